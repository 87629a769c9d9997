//! A file on its way as a part of a multipart form, its bytes counted as they leave.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use futures_util::stream::{self, Stream};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Frame;
use tokio::fs::File;
use tokio::io::AsyncReadExt;

use super::progress::Meter;
use super::transport::TransportError;

/// A package to be uploaded; a second try reads the file again.
#[derive(Clone, Debug)]
pub(super) struct Upload {
    pub(super) file: PathBuf,
    pub(super) meter: Arc<Meter>,
}

impl Upload {
    pub(super) fn content_type(&self) -> String {
        format!("multipart/form-data; boundary={BOUNDARY}")
    }

    /// The form: the files that the platform holds already (none), then the package.
    pub(super) async fn body(&self) -> Result<UnsyncBoxBody<Bytes, io::Error>, TransportError> {
        let unreadable = |_| TransportError::Unusable(self.file.display().to_string());
        let file = File::open(&self.file).await.map_err(unreadable)?;
        self.meter.restart();
        let form = Form {
            step: Step::Head,
            file,
            meter: Arc::clone(&self.meter),
        };
        Ok(BodyExt::boxed_unsync(StreamBody::new(form.frames())))
    }
}

struct Form {
    step: Step,
    file: File,
    meter: Arc<Meter>,
}

enum Step {
    Head,
    File,
    End,
}

impl Form {
    fn frames(self) -> impl Stream<Item = io::Result<Frame<Bytes>>> + Send {
        stream::try_unfold(self, Self::next)
    }

    async fn next(mut self) -> io::Result<Option<(Frame<Bytes>, Self)>> {
        let bytes = match self.step {
            Step::Head => {
                self.step = Step::File;
                Bytes::from(HEAD)
            }
            Step::File => {
                let mut chunk = BytesMut::with_capacity(CHUNK_BYTES);
                let read = self.file.read_buf(&mut chunk).await?;
                self.meter.advance(read as u64);
                if read == 0 {
                    self.step = Step::End;
                    Bytes::from(TAIL)
                } else {
                    chunk.freeze()
                }
            }
            Step::End => return Ok(None),
        };
        Ok(Some((Frame::data(bytes), self)))
    }
}

const BOUNDARY: &str = "kato-7f3c1d5a9e2b4860";
const HEAD: &str = "--kato-7f3c1d5a9e2b4860\r\n\
    Content-Disposition: form-data; name=\"resources\"\r\n\
    Content-Type: application/json\r\n\r\n[]\r\n\
    --kato-7f3c1d5a9e2b4860\r\n\
    Content-Disposition: form-data; name=\"bits\"; filename=\"package.zip\"\r\n\
    Content-Type: application/zip\r\n\r\n";
const TAIL: &str = "\r\n--kato-7f3c1d5a9e2b4860--\r\n";
const CHUNK_BYTES: usize = 64 << 10;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::push::Progress;

    #[tokio::test]
    async fn the_form_holds_the_file_between_its_boundaries() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("package.zip");
        std::fs::write(&file, b"PK-bytes").unwrap();
        let meter = Arc::new(Progress::silent().meter("upload", 8));
        let upload = Upload { file, meter };
        let body = upload.body().await.unwrap().collect().await.unwrap();
        let text = String::from_utf8(body.to_bytes().to_vec()).unwrap();
        assert!(HEAD.starts_with(&format!("--{BOUNDARY}\r\n")));
        assert_eq!(text, format!("{HEAD}PK-bytes{TAIL}"));
    }
}
