//! Tells code, comments and literals apart.

/// Tells code, comments and literals apart, character by character.
pub(super) struct Lexer<'a> {
    rest: &'a str,
    line: usize,
    pub(super) code: String,
    pub(super) comments: String,
    pub(super) literals: Vec<(usize, String)>,
}

impl<'a> Lexer<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self {
            rest: text,
            line: 1,
            code: String::with_capacity(text.len()),
            comments: String::new(),
            literals: Vec::new(),
        }
    }

    pub(super) fn run(&mut self) {
        while let Some(first) = self.rest.chars().next() {
            let glued = self
                .code
                .ends_with(|c: char| c.is_alphanumeric() || c == '_');
            if self.rest.starts_with("//") {
                let end = self.rest.find('\n').unwrap_or(self.rest.len());
                self.comment(end);
            } else if self.rest.starts_with("/*") {
                self.comment(block_comment_len(self.rest));
            } else if let Some((opening, hashes)) = raw_opening(self.rest).filter(|_| !glued) {
                let close = format!("\"{}", "#".repeat(hashes));
                let inside = &self.rest[opening..];
                let len = inside.find(&close).unwrap_or(inside.len());
                self.literal(opening, len, close.len());
            } else if first == '"' {
                let len = quoted_len(&self.rest[1..]);
                self.literal(1, len, 1);
            } else if let Some(len) = char_literal_len(self.rest) {
                self.advance(len, |_| ' ', |_| ' ');
            } else {
                self.advance(first.len_utf8(), |c| c, |_| ' ');
            }
        }
    }

    fn comment(&mut self, len: usize) {
        self.advance(len, |_| ' ', |c| c);
    }

    fn literal(&mut self, opening: usize, len: usize, closing: usize) {
        let text = self.rest[opening..opening + len].to_owned();
        self.literals.push((self.line, text));
        self.advance(opening, |c| c, |_| ' ');
        self.advance(len, |_| ' ', |_| ' ');
        self.advance(closing.min(self.rest.len()), |c| c, |_| ' ');
    }

    fn advance(&mut self, len: usize, code: fn(char) -> char, comment: fn(char) -> char) {
        let (taken, rest) = self.rest.split_at(len);
        for c in taken.chars() {
            let line_end = c == '\n';
            self.line += usize::from(line_end);
            self.code.push(if line_end { c } else { code(c) });
            self.comments.push(if line_end { c } else { comment(c) });
        }
        self.rest = rest;
    }
}

fn block_comment_len(text: &str) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < text.len() {
        let rest = &text.as_bytes()[at..];
        if rest.starts_with(b"/*") {
            (depth, at) = (depth + 1, at + 2);
        } else if rest.starts_with(b"*/") {
            (depth, at) = (depth - 1, at + 2);
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    text.len()
}

/// The length of the opening of a raw string (`r#"`, `br"`) and its number of hashes.
fn raw_opening(text: &str) -> Option<(usize, usize)> {
    let after = text.strip_prefix("br").or_else(|| text.strip_prefix('r'))?;
    let hashes = after.len() - after.trim_start_matches('#').len();
    after[hashes..].starts_with('"').then(|| {
        let prefix = text.len() - after.len();
        (prefix + hashes + 1, hashes)
    })
}

/// The length of what stands before the closing quote.
fn quoted_len(text: &str) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at,
            _ => {}
        }
    }
    text.len()
}

/// The length of a character literal, or nothing when the quote begins a lifetime.
fn char_literal_len(text: &str) -> Option<usize> {
    let inside = text.strip_prefix('\'')?;
    if let Some(escape) = inside.strip_prefix('\\') {
        let skip = escape.chars().next().map_or(0, char::len_utf8);
        let close = escape.get(skip..)?.find('\'')?;
        return Some(2 + skip + close + 1);
    }
    let c = inside.chars().next()?;
    inside[c.len_utf8()..]
        .starts_with('\'')
        .then(|| c.len_utf8() + 2)
}
