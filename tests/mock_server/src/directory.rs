//! The files of a directory as the output files of jobs.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::http::{Request, Response};
use crate::sellercloud::{Jobs, OutputFileResponse, could_not_find};

/// A completed job for each file of a directory.
///
/// The files are sorted by name; the first one is the output file of job 1. A file's content
/// is read with each request for it.
#[derive(Debug)]
pub struct DirectoryJobs {
    directory: PathBuf,
    names: Vec<String>,
}

impl DirectoryJobs {
    /// Lists the files of a directory. Subdirectories and names that begin with a dot are left
    /// out.
    ///
    /// # Errors
    ///
    /// Returns an error if the directory cannot be read, or if a name in it is not UTF-8.
    pub fn read(directory: impl Into<PathBuf>) -> io::Result<Self> {
        let directory = directory.into();
        let mut names = Vec::new();
        for entry in fs::read_dir(&directory)? {
            let path = entry?.path();
            let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
                let message = format!("the name of {} is not UTF-8", path.display());
                return Err(io::Error::new(io::ErrorKind::InvalidData, message));
            };
            if path.is_file() && !name.starts_with('.') {
                names.push(name.to_owned());
            }
        }
        names.sort();
        Ok(Self { directory, names })
    }

    /// Returns the jobs' ids and file names.
    pub fn iter(&self) -> impl Iterator<Item = (usize, &str)> {
        (1..).zip(self.names.iter().map(String::as_str))
    }

    fn name(&self, id: &str) -> Option<&str> {
        let index = id.parse::<usize>().ok()?.checked_sub(1)?;
        self.names.get(index).map(String::as_str)
    }
}

impl Jobs for DirectoryJobs {
    fn job(&self, id: &str, _before: usize) -> Response {
        let Some(name) = self.name(id) else {
            return could_not_find(id);
        };
        let job = serde_json::json!({
            "Basic": {
                "ID": id.parse::<usize>().unwrap_or_default(),
                "CompanyID": 1,
                "CompanyName": "Acme",
                "JobType": "Export",
                "Status": "Completed",
                "Priority": 1,
                "SubmittedOn": "2026-11-23T10:00:00",
                "StartedOn": "2026-11-23T10:00:01",
                "CompletedOn": "2026-11-23T10:00:02",
            },
            "OutputFile": name,
        });
        Response::json(200, job.to_string())
    }

    fn log(&self, id: &str) -> Response {
        match self.name(id) {
            Some(_) => Response::json(200, r#"{"Items": [], "TotalResults": 0}"#),
            None => could_not_find(id),
        }
    }

    fn output_file(&self, id: &str, _: &Request, _before: usize) -> OutputFileResponse {
        let Some(name) = self.name(id) else {
            return could_not_find(id).into();
        };
        match fs::read(self.directory.join(name)) {
            Ok(bytes) => Response::new(200)
                .header("Content-Type", content_type(name))
                .header("Content-Disposition", content_disposition(name))
                .body(STANDARD.encode(bytes).into_bytes())
                .into(),
            Err(error) => {
                let message = format!("The file {name} cannot be read: {error}");
                let body = serde_json::json!({ "Message": message });
                Response::json(500, body.to_string()).into()
            }
        }
    }
}

/// Returns a header with the name in the extended form of RFC 8187, which holds any character.
fn content_disposition(name: &str) -> String {
    let mut header = "attachment; filename*=UTF-8''".to_owned();
    for byte in name.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' => {
                header.push(byte.into());
            }
            _ => header += &format!("%{byte:02X}"),
        }
    }
    header
}

fn content_type(name: &str) -> &'static str {
    let extension = Path::new(name).extension().and_then(|text| text.to_str());
    match extension.unwrap_or_default().to_ascii_lowercase().as_str() {
        "csv" => "text/csv",
        "txt" => "text/plain",
        "pdf" => "application/pdf",
        "xlsx" => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "zip" => "application/zip",
        _ => "application/octet-stream",
    }
}
