//! What has one meaning, and what has not.

use super::{Fault, Framing, Message};

pub(super) fn text_line(line: &[u8]) -> Result<String, Fault> {
    let Some(line) = line.strip_suffix(b"\r") else {
        return ambiguous(format!(
            "a bare LF after {:?}",
            String::from_utf8_lossy(line)
        ));
    };
    let control = |byte: &&u8| (**byte < 0x20 && **byte != b'\t') || **byte == 0x7f;
    if let Some(byte) = line.iter().find(control) {
        return ambiguous(format!(
            "byte {byte:#04x} in {:?}",
            String::from_utf8_lossy(line)
        ));
    }
    // Latin-1, so that every byte has its own character.
    Ok(line.iter().map(|byte| char::from(*byte)).collect())
}

pub(super) fn field(line: &str) -> Result<(String, String), Fault> {
    let Some((name, value)) = line.split_once(':') else {
        return ambiguous(format!("no colon in {line:?}"));
    };
    if name.is_empty() || !name.bytes().all(is_token) {
        return ambiguous(format!("field name {name:?}"));
    }
    Ok((name.to_owned(), value.trim_matches([' ', '\t']).to_owned()))
}

pub(super) fn framing(message: &Message, unframed: Framing) -> Result<Framing, Fault> {
    let (codings, lengths) = (
        message.all("transfer-encoding"),
        message.all("content-length"),
    );
    match (&codings[..], &lengths[..]) {
        ([], []) => Ok(unframed),
        ([coding], []) if coding.eq_ignore_ascii_case("chunked") => Ok(Framing::Chunked),
        ([], [length]) if length.bytes().all(|b| b.is_ascii_digit()) => match length.parse() {
            Ok(length) => Ok(Framing::Length(length)),
            Err(_) => ambiguous(format!("length {length:?}")),
        },
        _ => ambiguous(format!("codings {codings:?} with lengths {lengths:?}")),
    }
}

pub(super) fn check_request(message: &Message) -> Result<(), Fault> {
    let parts: Vec<&str> = message.start.split(' ').collect();
    let [method, target, "HTTP/1.1"] = parts[..] else {
        return ambiguous(format!("request line {:?}", message.start));
    };
    let visible = target.bytes().all(|byte| byte > b' ' && byte != 0x7f);
    if method.is_empty() || !method.bytes().all(is_token) || target.is_empty() || !visible {
        return ambiguous(format!("request line {:?}", message.start));
    }
    let hosts = message.all("host");
    if hosts.len() != 1 || hosts[0].is_empty() || hosts[0].contains([' ', '\t', ',', '/', '@']) {
        return ambiguous(format!("hosts {hosts:?}"));
    }
    Ok(())
}

pub(super) fn check_status_line(line: &str) -> Result<(), Fault> {
    let code = line
        .strip_prefix("HTTP/1.1 ")
        .or_else(|| line.strip_prefix("HTTP/1.0 "));
    let plausible = code.is_some_and(|code| {
        let digits = code.len() >= 3 && code.bytes().take(3).all(|byte| byte.is_ascii_digit());
        let first = code.as_bytes().first().copied().unwrap_or_default();
        digits && (b'1'..=b'5').contains(&first) && (code.len() == 3 || code.as_bytes()[3] == b' ')
    });
    if plausible {
        Ok(())
    } else {
        ambiguous(format!("status line {line:?}"))
    }
}

pub(super) fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

pub(super) fn ambiguous<T>(why: String) -> Result<T, Fault> {
    Err(Fault::Ambiguous(why))
}
