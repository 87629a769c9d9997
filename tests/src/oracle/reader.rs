//! Reads messages one after the other.

use std::io::{ErrorKind, Read};

use super::rules::{ambiguous, check_request, check_status_line, field, framing, text_line};
use super::{Asked, Fault, Framing, Message};

/// Reads messages one after the other from a connection or from recorded bytes.
#[derive(Debug)]
pub struct Oracle<R> {
    source: R,
    buffer: Vec<u8>,
    at: usize,
}

impl<R: Read> Oracle<R> {
    /// An oracle at the start of `source`.
    pub fn new(source: R) -> Self {
        Self {
            source,
            buffer: Vec::new(),
            at: 0,
        }
    }

    /// What the bytes are read from.
    pub fn source(&self) -> &R {
        &self.source
    }

    /// How many bytes were read from the source but belong to no message yet.
    pub fn buffered(&self) -> usize {
        self.buffer.len() - self.at
    }

    /// Reads one request with its body.
    ///
    /// # Errors
    ///
    /// See [`Fault`].
    pub fn request(&mut self) -> Result<Message, Fault> {
        let mut message = self.request_head()?;
        self.body(&mut message)?;
        Ok(message)
    }

    /// Reads the head of a request; its body is still to come.
    ///
    /// # Errors
    ///
    /// See [`Fault`].
    pub fn request_head(&mut self) -> Result<Message, Fault> {
        let mut message = self.head()?;
        check_request(&message)?;
        message.framing = framing(&message, Framing::Nothing)?;
        Ok(message)
    }

    /// Reads one response with its body; informational ones are responses of their own.
    ///
    /// # Errors
    ///
    /// See [`Fault`].
    pub fn response(&mut self, asked: Asked) -> Result<Message, Fault> {
        let mut message = self.response_head(asked)?;
        self.body(&mut message)?;
        Ok(message)
    }

    /// Reads the head of a response; its body is still to come.
    ///
    /// # Errors
    ///
    /// See [`Fault`].
    pub fn response_head(&mut self, asked: Asked) -> Result<Message, Fault> {
        let mut message = self.head()?;
        check_status_line(&message.start)?;
        let bodiless = matches!(message.status(), 100..=199 | 204 | 304) || asked == Asked::Head;
        let meant = framing(&message, Framing::Close)?;
        message.framing = if bodiless { Framing::Nothing } else { meant };
        Ok(message)
    }

    /// Reads the body that `message` announces into it.
    ///
    /// # Errors
    ///
    /// See [`Fault`]; [`Fault::Cut`] carries what had come.
    pub fn body(&mut self, message: &mut Message) -> Result<(), Fault> {
        let outcome = match message.framing {
            Framing::Nothing => Ok(()),
            Framing::Length(length) => self.take(length, &mut message.body),
            Framing::Chunked => self.chunks(message),
            Framing::Close => return self.to_end(&mut message.body),
        };
        match outcome {
            Err(Fault::End | Fault::Cut(_)) => Err(Fault::Cut(Box::new(message.clone()))),
            other => other,
        }
    }

    /// Reads exactly `length` bytes that are not part of a message, as of a tunnel.
    ///
    /// # Errors
    ///
    /// See [`Fault`].
    pub fn bytes(&mut self, length: usize) -> Result<Vec<u8>, Fault> {
        let mut bytes = Vec::new();
        self.take(length as u64, &mut bytes)?;
        Ok(bytes)
    }

    /// Reads everything up to the end of the connection.
    ///
    /// # Errors
    ///
    /// [`Fault::Timeout`] when it does not end, [`Fault::Cut`] when it is reset.
    pub fn to_end(&mut self, into: &mut Vec<u8>) -> Result<(), Fault> {
        loop {
            into.extend_from_slice(&self.buffer[self.at..]);
            self.at = self.buffer.len();
            match self.fill() {
                Ok(()) => {}
                Err(Fault::End) => return Ok(()),
                Err(other) => return Err(other),
            }
        }
    }

    fn head(&mut self) -> Result<Message, Fault> {
        let mut message = Message {
            start: self.line(Fault::End)?,
            ..Message::default()
        };
        loop {
            let cut = Fault::Cut(Box::new(message.clone()));
            let line = self.line(cut)?;
            if line.is_empty() {
                return Ok(message);
            }
            message.fields.push(field(&line)?);
        }
    }

    /// One line without its CRLF; `early` is the fault when the connection ends before it.
    fn line(&mut self, early: Fault) -> Result<String, Fault> {
        let mut seen = 0;
        loop {
            let waiting = &self.buffer[self.at..];
            if let Some(len) = waiting[seen..].iter().position(|byte| *byte == b'\n') {
                let line = &waiting[..seen + len];
                let text = text_line(line)?;
                self.at += line.len() + 1;
                return Ok(text);
            }
            seen = waiting.len();
            if let Err(fault) = self.fill() {
                let begun = self.at < self.buffer.len();
                return Err(match fault {
                    Fault::End if begun => Fault::Cut(Box::default()),
                    Fault::End => early,
                    other => other,
                });
            }
        }
    }

    fn chunks(&mut self, message: &mut Message) -> Result<(), Fault> {
        let cut = || Fault::Cut(Box::default());
        loop {
            let size = self.line(cut())?;
            let digits = !size.is_empty() && size.bytes().all(|byte| byte.is_ascii_hexdigit());
            if !digits || size.len() > 16 {
                return ambiguous(format!("chunk size {size:?}"));
            }
            let length = u64::from_str_radix(&size, 16).unwrap_or(u64::MAX);
            if length == 0 {
                break;
            }
            self.take(length, &mut message.body)?;
            if !self.line(cut())?.is_empty() {
                return ambiguous("data after a chunk".into());
            }
        }
        loop {
            let line = self.line(cut())?;
            if line.is_empty() {
                return Ok(());
            }
            let trailer = field(&line)?;
            let name = trailer.0.to_ascii_lowercase();
            if ["content-length", "transfer-encoding", "host", "connection"].contains(&&*name) {
                return ambiguous(format!("`{name}` in a trailer"));
            }
            message.trailers.push(trailer);
        }
    }

    fn take(&mut self, length: u64, into: &mut Vec<u8>) -> Result<(), Fault> {
        let mut left = usize::try_from(length).unwrap_or(usize::MAX);
        loop {
            let ready = left.min(self.buffer.len() - self.at);
            into.extend_from_slice(&self.buffer[self.at..self.at + ready]);
            (self.at, left) = (self.at + ready, left - ready);
            if left == 0 {
                return Ok(());
            }
            self.fill()?;
        }
    }

    fn fill(&mut self) -> Result<(), Fault> {
        if self.at == self.buffer.len() {
            self.buffer.clear();
            self.at = 0;
        }
        let mut block = [0; 64 * 1024];
        match self.source.read(&mut block) {
            Ok(0) => Err(Fault::End),
            Ok(read) => {
                self.buffer.extend_from_slice(&block[..read]);
                Ok(())
            }
            Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                Err(Fault::Timeout)
            }
            Err(_reset) => Err(Fault::Cut(Box::default())),
        }
    }
}
