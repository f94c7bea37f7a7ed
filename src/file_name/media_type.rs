//! Fallback names for files that the server does not name.

/// Returns the fallback name of the output file of a job: `output-{job}`, with the extension
/// of the content type if that is known.
pub(crate) fn fallback(job: i32, content_type: Option<&str>) -> String {
    match content_type.and_then(extension_of) {
        Some(extension) => format!("output-{job}.{extension}"),
        None => format!("output-{job}"),
    }
}

/// Returns the usual extension of a content type, for the types of reports and exports.
fn extension_of(content_type: &str) -> Option<&'static str> {
    let essence = content_type.split(';').next()?.trim().to_ascii_lowercase();
    Some(match essence.as_str() {
        "text/csv" | "application/csv" => "csv",
        "text/tab-separated-values" => "tsv",
        "text/plain" => "txt",
        "text/html" => "html",
        "text/xml" | "application/xml" => "xml",
        "application/json" => "json",
        "application/pdf" => "pdf",
        "application/zip" | "application/x-zip-compressed" => "zip",
        "application/gzip" | "application/x-gzip" => "gz",
        "application/vnd.ms-excel" => "xls",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet" => "xlsx",
        "application/msword" => "doc",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document" => "docx",
        "image/png" => "png",
        "image/jpeg" => "jpg",
        "image/gif" => "gif",
        "image/tiff" => "tif",
        "application/octet-stream" => "bin",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::fallback;

    #[test]
    fn fallback_contains_job_and_extension() {
        assert_eq!(fallback(5, Some("text/csv; charset=utf-8")), "output-5.csv");
        assert_eq!(fallback(5, Some("Application/PDF")), "output-5.pdf");
        assert_eq!(fallback(5, Some("x/y")), "output-5");
        assert_eq!(fallback(5, None), "output-5");
    }
}
