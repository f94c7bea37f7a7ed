//! TLS: which servers the client trusts, and client certificates.

use std::io::{BufRead, BufReader, Write};
use std::net::Shutdown;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use mock_server::process::{run_alone, runs_alone};
use mock_server::tls::{self, Authority};
use mock_server::{MockSellercloud, PASSWORD, TOKEN, USER_NAME};
use rustls::ServerConfig;
use sellercloud_output::{Client, ClientBuilder, Error, ErrorKind, RetryPolicy};

fn builder(url: String) -> ClientBuilder {
    // The environment may name a proxy. Proxies have tests of their own.
    Client::builder(url).token(TOKEN).proxy("")
}

fn trusting(authority: &Authority, url: String) -> Client {
    let builder = builder(url).add_ca_certificates(authority.pem().as_bytes());
    builder.build().unwrap()
}

/// Returns the URL of the mock server over TLS, with the host of the test's certificates.
fn over_tls(mock: &MockSellercloud, config: ServerConfig) -> String {
    let port = tls::serve_in_front_of(&mock.url(), config);
    format!("https://localhost:{port}/rest")
}

fn assert_tls_error(client: &Client, words: &str) {
    let error = client.get_output_file(28142).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Tls, "{error}");
    assert_eq!(error.attempts(), 1, "{error}");
    assert!(!error.is_retryable());
    assert!(error.to_string().contains(words), "{error}");
    println!("{error}");
}

#[test]
fn added_ca_is_trusted() {
    let (mock, authority) = (MockSellercloud::start(), Authority::new());
    let url = over_tls(&mock, authority.server("localhost").config());
    let client = trusting(&authority, url);
    for _ in 0..2 {
        assert_eq!(client.get_output_file(28142).unwrap().bytes.len(), 2400);
    }
}

#[test]
fn each_of_several_added_cas_is_trusted() {
    let (mock, one, other) = (MockSellercloud::start(), Authority::new(), Authority::new());
    let bundle = format!("# Ours\r\n{}\n{}", other.pem(), one.pem());
    for authority in [&one, &other] {
        let url = over_tls(&mock, authority.server("localhost").config());
        let client = builder(url).add_ca_certificates(bundle.as_bytes());
        let _ = client.build().unwrap().get_output_file(28142).unwrap();
        let url = over_tls(&mock, authority.server("localhost").config());
        let client = builder(url)
            .add_ca_certificates(one.pem().as_bytes())
            .add_ca_certificates(other.pem().as_bytes());
        let _ = client.build().unwrap().get_output_file(28142).unwrap();
    }
}

#[test]
fn ca_certificates_in_any_common_format_are_accepted() {
    let (mock, authority) = (MockSellercloud::start(), Authority::new());
    let url = over_tls(&mock, authority.server("localhost").config());
    let pem = authority.pem();
    let utf16 = |mark: [u8; 2], bytes: fn(u16) -> [u8; 2]| {
        let units = pem.encode_utf16().flat_map(bytes);
        mark.into_iter().chain(units).collect::<Vec<_>>()
    };
    for file in [
        authority.der(),
        [b"\xef\xbb\xbf", pem.as_bytes()].concat(),
        utf16([0xff, 0xfe], u16::to_le_bytes),
        utf16([0xfe, 0xff], u16::to_be_bytes),
        pem.replace('\n', "\r\n").into_bytes(),
    ] {
        let client = builder(url.clone()).add_ca_certificates(&file);
        let _ = client.build().unwrap().get_output_file(28142).unwrap();
    }
}

#[test]
fn server_with_a_ca_certificate_fails_with_an_explanation() {
    let (mock, authority) = (MockSellercloud::start(), Authority::new());
    let url = over_tls(&mock, authority.server_that_is_a_ca("localhost").config());
    let client = trusting(&authority, url);
    let error = client.get_output_file(28142).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Tls, "{error}");
    let shown = format!("{error}");
    assert!(shown.contains("is that of a CA"), "{shown}");
    assert!(!shown.contains("Other"), "{shown}");
}

#[test]
fn tls_bytes_after_a_response_are_not_the_next_response() {
    let authority = Authority::new();
    let connections = Arc::new(AtomicUsize::new(0));
    let counted = connections.clone();
    let port = tls::serve(authority.server("localhost").config(), move |client| {
        counted.fetch_add(1, Ordering::SeqCst);
        let mut head = BufReader::new(&mut *client).lines();
        while head.next().is_some_and(|line| !line.unwrap().is_empty()) {}
        // More than one read returns, in records that arrive together.
        let body = "QUJD".repeat(10_000);
        let length = body.len();
        let first = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{body}");
        let second = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nWFla";
        client.write_all(format!("{first}{second}").as_bytes())?;
        client.flush()?;
        // Keeps the connection open, without a response to the next request.
        std::io::copy(&mut client.sock, &mut std::io::sink()).map(|_| ())
    });
    let client = trusting(&authority, format!("https://localhost:{port}"));
    for request in 1..=5 {
        let file = client.get_output_file(1).unwrap();
        assert_eq!(file.bytes.len(), 30_000, "{request}");
        assert_eq!(connections.load(Ordering::SeqCst), request);
    }
}

#[test]
fn certificate_for_an_ip_address_is_accepted() {
    let (mock, authority) = (MockSellercloud::start(), Authority::new());
    let config = authority.server("127.0.0.1").config();
    let url = over_tls(&mock, config).replace("localhost", "127.0.0.1");
    let _ = trusting(&authority, url).get_output_file(28142).unwrap();
}

#[test]
fn ca_of_the_system_is_trusted() {
    if runs_alone() {
        let url = std::env::var("SCO_TEST_URL").unwrap();
        let _ = builder(url)
            .build()
            .unwrap()
            .get_output_file(28142)
            .unwrap();
        return;
    }
    let (mock, authority) = (MockSellercloud::start(), Authority::new());
    let url = over_tls(&mock, authority.server("localhost").config());
    let dir = tempfile::tempdir().unwrap();
    let store = dir.path().join("certificates.pem");
    std::fs::write(&store, authority.pem()).unwrap();
    run_alone(
        "tls::ca_of_the_system_is_trusted",
        &[
            ("SSL_CERT_FILE", store.to_str().unwrap()),
            ("SCO_TEST_URL", &url),
        ],
    );
    // Added certificates extend the system's.
    assert_tls_error(
        &builder(url).build().unwrap(),
        "does not trust its certificate's issuer",
    );
}

#[test]
fn untrusted_server_fails() {
    let (mock, authority) = (MockSellercloud::start(), Authority::new());
    let expired = authority.expired_server("localhost");
    let elsewhere = authority.server("tt.api.sellercloud.com");
    // An authority with the same name as the trusted one.
    let forged = Authority::new().server("localhost");
    for (identity, words) in [
        (expired, "expired"),
        (elsewhere, "not valid for name"),
        (forged, "not signed by the CA that it names"),
    ] {
        let client = trusting(&authority, over_tls(&mock, identity.config()));
        assert_tls_error(&client, words);
    }
}

#[test]
fn untrusted_server_receives_no_request() {
    let received = Arc::new(AtomicUsize::new(0));
    let count = received.clone();
    let identity = Authority::new().server("localhost");
    let port = tls::serve(identity.config(), move |client| {
        count.fetch_add(client.fill_buf()?.len(), Ordering::SeqCst);
        Ok(())
    });
    let url = format!("https://localhost:{port}");
    for client in [
        builder(url.clone()),
        builder(url.clone()).credentials(USER_NAME, PASSWORD),
    ] {
        assert_tls_error(
            &client.build().unwrap(),
            "does not trust its certificate's issuer",
        );
    }
    assert_eq!(received.load(Ordering::SeqCst), 0);
}

#[test]
fn client_certificate_is_presented() {
    let (mock, authority) = (MockSellercloud::start(), Authority::new());
    let server = authority.server("localhost");
    let url = || over_tls(&mock, server.config_for_clients_of(&authority));
    let ours = authority.client();
    let (certificate, key) = (ours.certificate_pem(), ours.key_pem());
    let trusting = |url| builder(url).add_ca_certificates(authority.pem().as_bytes());
    let _ = trusting(url())
        .client_certificate(certificate.as_bytes(), key.as_bytes())
        .build()
        .unwrap()
        .get_output_file(28142)
        .unwrap();
    // Certificate and key in one text, in either order.
    for both in [format!("{certificate}{key}"), format!("{key}{certificate}")] {
        let _ = trusting(url())
            .client_certificate(both.as_bytes(), both.as_bytes())
            .build()
            .unwrap()
            .get_output_file(28142)
            .unwrap();
    }
    assert_tls_error(
        &trusting(url()).build().unwrap(),
        "requires a client certificate",
    );
    let foreign = Authority::new().client();
    let client = trusting(url()).client_certificate(
        foreign.certificate_pem().as_bytes(),
        foreign.key_pem().as_bytes(),
    );
    assert_tls_error(&client.build().unwrap(), "it ended TLS with the alert");
}

#[test]
fn invalid_certificates_are_rejected_in_build() {
    let authority = Authority::new();
    let (ours, other) = (authority.client(), authority.client());
    let (certificate, key) = (ours.certificate_pem(), ours.key_pem());
    let cut = &certificate[..certificate.len() / 2];
    let no_certificate =
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n".to_owned();
    let builder = || builder("tt".to_owned());
    for (builder, words) in [
        (builder().add_ca_certificates(b""), "no certificate in PEM"),
        (
            builder().add_ca_certificates(key.as_bytes()),
            "no certificate in PEM",
        ),
        (
            builder().add_ca_certificates(cut.as_bytes()),
            "not valid PEM",
        ),
        (
            builder().add_ca_certificates(no_certificate.as_bytes()),
            "cannot be used",
        ),
        (
            builder().client_certificate(certificate.as_bytes(), certificate.as_bytes()),
            "no private key in PEM",
        ),
        (
            builder().client_certificate(key.as_bytes(), key.as_bytes()),
            "no certificate in PEM",
        ),
        (
            builder().client_certificate(certificate.as_bytes(), other.key_pem().as_bytes()),
            "cannot be used",
        ),
    ] {
        let error = builder.build().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{error}");
        assert!(error.to_string().contains(words), "{error}");
        let lines = key
            .lines()
            .filter(|line| line.len() > 10 && !line.starts_with('-'));
        for line in lines {
            assert!(!format!("{error} {error:?}").contains(line));
        }
    }
}

/// Downloads a file whose body ends with the connection, which the server ends with `end`.
fn body_ended_by(end: fn(&mut tls::TlsStream)) -> Result<Vec<u8>, Error> {
    let authority = Authority::new();
    let port = tls::serve(authority.server("localhost").config(), move |client| {
        let mut head = BufReader::new(&mut *client).lines();
        while head.next().is_some_and(|line| !line.unwrap().is_empty()) {}
        client.write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nQUJD")?;
        client.flush()?;
        end(client);
        Ok(())
    });
    let client = builder(format!("https://localhost:{port}"))
        .add_ca_certificates(authority.pem().as_bytes())
        .retry_policy(RetryPolicy::never());
    let file = client.build().unwrap().get_output_file(1)?;
    Ok(file.bytes.to_vec())
}

#[test]
fn body_ended_without_close_notify_fails() {
    let orderly = body_ended_by(|client| {
        client.conn.send_close_notify();
        client.flush().unwrap();
    });
    assert_eq!(orderly.unwrap(), b"ABC");
    // Any host on the path can close a TCP connection (RFC 8446 section 6.1).
    let cut = body_ended_by(|client| client.sock.shutdown(Shutdown::Write).unwrap());
    let error = cut.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Connection, "{error}");
    assert!(
        error
            .to_string()
            .contains("before the response was complete: TLS ended without its closing message"),
        "{error}"
    );
}
