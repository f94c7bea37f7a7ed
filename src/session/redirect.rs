//! Redirects. They are followed only within the server's origin.

use http::Uri;

use super::base_url::BaseUrl;

impl BaseUrl {
    /// Resolves the `Location` of the response to `url`.
    pub(super) fn resolve_redirect(&self, url: &str, location: &[u8]) -> Redirect {
        let location = String::from_utf8_lossy(location);
        let location = location.trim().split('#').next().unwrap_or_default();
        let target = join(url, location);
        let uri: Option<Uri> = target.parse().ok();
        let Some((uri, scheme)) = uri.as_ref().and_then(|uri| Some((uri, uri.scheme_str()?)))
        else {
            return Redirect::Elsewhere("a URL that cannot be read".into());
        };
        // The query may repeat secrets that were sent.
        let shown = format!("{scheme}://{}{}", authority(uri), uri.path());
        if is_login(uri.path()) {
            Redirect::ToLogin(shown)
        } else if origin(uri) == origin(&self.uri()) && !has_user_info(uri) {
            Redirect::Within(target)
        } else {
            Redirect::Elsewhere(shown)
        }
    }
}

/// Where a redirect leads.
#[derive(Debug, PartialEq)]
pub(super) enum Redirect {
    /// A URL of the same origin, which is followed.
    Within(String),
    /// A login page for users.
    ToLogin(String),
    /// Another origin (RFC 6454 section 4), to which a token must not be sent.
    Elsewhere(String),
}

/// Resolves a reference (RFC 3986 section 5.2). Dot segments are left to the server.
fn join(url: &str, reference: &str) -> String {
    let after_scheme = url.find("://").map_or(0, |at| at + 3);
    let path = url[after_scheme..]
        .find(['/', '?'])
        .map_or(url.len(), |at| after_scheme + at);
    let query = url[path..].find('?').map_or(url.len(), |at| path + at);
    let has_scheme = reference.find([':', '/', '?']).is_some_and(|at| {
        reference[at..].starts_with(':') && reference.starts_with(|c: char| c.is_ascii_alphabetic())
    });
    if has_scheme {
        reference.to_owned()
    } else if reference.starts_with("//") {
        format!("{}{reference}", &url[..after_scheme - 2])
    } else if reference.starts_with('/') {
        format!("{}{reference}", &url[..path])
    } else if reference.starts_with('?') {
        format!("{}{reference}", &url[..query])
    } else if reference.is_empty() {
        url.to_owned()
    } else {
        let directory = url[path..query].rfind('/').map_or(path, |at| path + at);
        format!("{}/{reference}", &url[..directory])
    }
}

/// Returns whether a path is that of a login page, as ASP.NET and others name it: whether one of
/// its words is `login`, `LogOn`, `sign-in` or similar. `catalogin` is not.
fn is_login(path: &str) -> bool {
    let words = words(path);
    let is_pair = |pair: &[String]| {
        matches!(pair[0].as_str(), "log" | "sign") && matches!(pair[1].as_str(), "in" | "on")
    };
    words.windows(2).any(is_pair)
        || words
            .iter()
            .any(|word| matches!(word.as_str(), "login" | "logon" | "signin" | "signon"))
}

/// Returns the words of a path in lowercase. A word ends before a character that is not a letter,
/// and before an uppercase letter that follows a lowercase one.
fn words(path: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut is_after_lowercase = false;
    for c in path.chars() {
        let starts_word = c.is_ascii_uppercase() && is_after_lowercase;
        if starts_word || !c.is_ascii_alphabetic() {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut()
            && c.is_ascii_alphabetic()
        {
            word.push(c.to_ascii_lowercase());
        }
        is_after_lowercase = c.is_ascii_lowercase();
    }
    words.retain(|word| !word.is_empty());
    words
}

/// Returns host and port, without user name and password.
fn authority(uri: &Uri) -> &str {
    let authority = uri.authority().map_or("", |authority| authority.as_str());
    authority.rsplit('@').next().unwrap_or_default()
}

/// Returns whether the authority contains a user name or password.
fn has_user_info(uri: &Uri) -> bool {
    uri.authority()
        .is_some_and(|authority| authority.as_str().contains('@'))
}

/// Returns scheme, host and port.
fn origin(uri: &Uri) -> (Option<&str>, Option<String>, u16) {
    let default_port = if uri.scheme_str() == Some("https") {
        443
    } else {
        80
    };
    (
        uri.scheme_str(),
        uri.host().map(str::to_ascii_lowercase),
        uri.port_u16().unwrap_or(default_port),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resolve_redirect_stays_within_origin() {
        let server = BaseUrl::new("tt", false).unwrap();
        let base = "https://tt.api.sellercloud.com";
        let url = format!("{base}/rest/api/QueuedJobs/OutputFile?id=1");
        let within = |target: &str| Redirect::Within(format!("{base}{target}"));
        let elsewhere = |target: &str| Redirect::Elsewhere(target.into());
        for (location, redirect) in [
            ("/x?y=1", within("/x?y=1")),
            ("x", within("/rest/api/QueuedJobs/x")),
            ("?id=2", within("/rest/api/QueuedJobs/OutputFile?id=2")),
            ("", within("/rest/api/QueuedJobs/OutputFile?id=1")),
            ("/x#fragment", within("/x")),
            (
                "https://TT.api.sellercloud.com:443/x",
                Redirect::Within("https://TT.api.sellercloud.com:443/x".into()),
            ),
            ("//tt.api.sellercloud.com/x", within("/x")),
            (
                "http://tt.api.sellercloud.com/x?token=t",
                elsewhere("http://tt.api.sellercloud.com/x"),
            ),
            (
                "https://tt.api.sellercloud.com:444/x",
                elsewhere("https://tt.api.sellercloud.com:444/x"),
            ),
            ("https://evil.com/x", elsewhere("https://evil.com/x")),
            ("//evil.com/x", elsewhere("https://evil.com/x")),
            (
                "https://tt.api.sellercloud.com.evil.com/",
                elsewhere("https://tt.api.sellercloud.com.evil.com/"),
            ),
            (
                "https://tt.api.sellercloud.com@evil.com/",
                elsewhere("https://evil.com/"),
            ),
            (
                "https://u:p@tt.api.sellercloud.com/x",
                elsewhere("https://tt.api.sellercloud.com/x"),
            ),
            ("file:///etc/passwd", elsewhere("a URL that cannot be read")),
            (
                "/Account/Login.aspx?ReturnUrl=x",
                Redirect::ToLogin(format!("{base}/Account/Login.aspx")),
            ),
            ("/catalogin/x", within("/catalogin/x")),
            ("/designin", within("/designin")),
            ("/exports/a@b.csv", within("/exports/a@b.csv")),
            ("/UserLogin", Redirect::ToLogin(format!("{base}/UserLogin"))),
            ("/log-in?x", Redirect::ToLogin(format!("{base}/log-in"))),
            (
                "/Account/SignIn",
                Redirect::ToLogin(format!("{base}/Account/SignIn")),
            ),
            (
                "https://sso.example/signin",
                Redirect::ToLogin("https://sso.example/signin".into()),
            ),
        ] {
            assert_eq!(
                server.resolve_redirect(&url, location.as_bytes()),
                redirect,
                "{location}"
            );
        }
    }
}
