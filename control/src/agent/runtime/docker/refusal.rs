//! What the Engine's refusals mean.

use bollard::errors::Error;

/// Whether what is missing is the image; a network may be missing as well.
pub(super) fn misses_image(error: &Error) -> bool {
    match error {
        Error::DockerResponseServerError {
            status_code: 404,
            message,
        } => message.to_lowercase().contains("image"),
        _ => false,
    }
}

/// The status of a refusal; `None` when there was no answer.
pub(super) fn status(error: &Error) -> Option<u16> {
    match error {
        Error::DockerResponseServerError { status_code, .. } => Some(*status_code),
        _ => None,
    }
}
