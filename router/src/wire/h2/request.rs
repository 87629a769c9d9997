//! An HTTP/2 request laid out as a head.

use http::request::Parts;

use crate::buffers::{Buffer, Class, Overflow};
use crate::message::{
    Field, FieldBlock, FieldName, Framing, RequestFault, RequestHead, RequestLine, Span, Version,
    take_list,
};

/// Why a request cannot walk.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum RequestError {
    /// What it says is refused.
    Fault(RequestFault),
    /// More bytes than the largest buffer.
    TooLarge,
}

impl From<Overflow> for RequestError {
    fn from(_: Overflow) -> Self {
        Self::TooLarge
    }
}

/// Lays a decoded request out as a head. `framing` is that of its body.
///
/// # Errors
///
/// Fails when the request must be refused.
pub fn request_head(parts: &Parts, framing: Framing) -> Result<RequestHead, RequestError> {
    let mut layout = Layout {
        bytes: Buffer::checkout(Class::Head),
        fields: take_list(),
    };
    let target = parts
        .uri
        .path_and_query()
        .map_or("", |target| target.as_str());
    let target = if target.is_empty() { "*" } else { target };
    let method = parts.method.as_str();
    layout
        .bytes
        .append_all(&[method.as_bytes(), b" ", target.as_bytes(), b" HTTP/2.0\r\n"])?;
    let line = RequestLine {
        method: Span::new(0, method.len()),
        target: Span::new(method.len() + 1, target.len()),
        target_start: method.len() + 1,
        version: Version::Http2,
    };
    // RFC 9113 8.3.1: `:authority` stands in for Host and wins over it.
    let authority = parts.uri.authority().map(http::uri::Authority::as_str);
    if let Some(authority) = authority {
        layout.field(b"Host", authority.as_bytes())?;
    }
    layout.cookies(parts)?;
    for (name, value) in &parts.headers {
        let shadowed = authority.is_some() && name == http::header::HOST;
        if !shadowed && name != http::header::COOKIE {
            layout.field(name.as_str().as_bytes(), value.as_bytes())?;
        }
    }
    let block = FieldBlock::new(layout.bytes, layout.fields);
    RequestHead::read(block, line)
        .map(|head| head.framed(framing))
        .map_err(|(fault, _)| RequestError::Fault(fault))
}

struct Layout {
    bytes: Buffer,
    fields: Vec<Field>,
}

impl Layout {
    fn field(&mut self, name: &[u8], value: &[u8]) -> Result<(), Overflow> {
        let start = self.bytes.len();
        self.bytes.append_all(&[name, b": ", value, b"\r\n"])?;
        self.mark(start, name, value.len());
        Ok(())
    }

    fn mark(&mut self, start: usize, name: &[u8], value: usize) {
        self.fields.push(Field {
            name: FieldName::recognise(name),
            spelling: Span::new(start, name.len()),
            value: Span::new(start + name.len() + 2, value),
        });
    }

    /// Joins the crumbs of a cookie into one field (RFC 9113 8.2.3).
    fn cookies(&mut self, parts: &Parts) -> Result<(), Overflow> {
        const NAME: &[u8] = b"cookie";
        let start = self.bytes.len();
        for (index, crumb) in parts
            .headers
            .get_all(http::header::COOKIE)
            .iter()
            .enumerate()
        {
            let lead: [&[u8]; 2] = if index == 0 {
                [NAME, b": "]
            } else {
                [b"", b"; "]
            };
            self.bytes
                .append_all(&[lead[0], lead[1], crumb.as_bytes()])?;
        }
        let written = self.bytes.len() - start;
        if written > 0 {
            self.bytes.append(b"\r\n")?;
            self.mark(start, NAME, written - NAME.len() - 2);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(request: http::Request<()>) -> RequestHead {
        request_head(&request.into_parts().0, Framing::Empty).unwrap()
    }

    #[test]
    fn authority_stands_in_for_host_and_wins() {
        let request = http::Request::get("https://a.example:8443/x?y")
            .header("host", "b.example")
            .body(());
        let head = head(request.unwrap());
        assert_eq!(head.authority(), b"a.example:8443");
        assert_eq!(head.target(), b"/x?y");
        assert_eq!(head.block().values(FieldName::Host).count(), 1);
    }

    #[test]
    fn cookie_crumbs_become_one_field() {
        let request = http::Request::get("https://a.example/")
            .header("cookie", "a=1")
            .header("cookie", "b=2");
        let head = head(request.body(()).unwrap());
        assert_eq!(
            head.block().value(FieldName::Cookie),
            Some(b"a=1; b=2".as_slice())
        );
    }

    #[test]
    fn the_body_is_framed_as_the_stream_says() {
        let request = http::Request::post("https://a.example/").body(()).unwrap();
        let head = request_head(&request.into_parts().0, Framing::Chunked).unwrap();
        assert_eq!(head.framing(), Framing::Chunked);
    }
}
