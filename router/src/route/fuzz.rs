//! Entry points for fuzzing: bytes in, a broken promise is a panic.

use super::{Algorithm, Announcement, Lookup, Millis, RouteKey, RouteTable, TableWriter};

/// Any bytes either are no route key, or give a key that is canonical.
///
/// # Panics
///
/// When a key does not parse back to itself.
pub fn fuzz_route_key(bytes: &[u8]) {
    let uri = String::from_utf8_lossy(bytes);
    let Ok(key) = RouteKey::parse(&uri) else {
        return;
    };
    assert!(!key.host().is_empty() && !key.as_str().contains('?'));
    assert!(!key.as_str().bytes().any(|byte| byte.is_ascii_uppercase()));
    assert!(key.context_path().starts_with('/'));
}

/// Any host and path find nothing in a table that does not have them, and a route that is
/// registered under them.
///
/// # Panics
///
/// When a registered route is not found by its own host and path, or is found after it left.
pub fn fuzz_lookup(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let (host, path) = text.split_once('\n').unwrap_or((&text, ""));
    let mut writer = TableWriter::of(RouteTable::with_shard_bits(1), Algorithm::RoundRobin);
    let table = writer.table();
    assert!(matches!(table.find(host, path), Lookup::Unknown));
    let Ok(key) = RouteKey::parse(&text) else {
        return;
    };
    let announcement = Announcement {
        host: "127.0.0.1",
        port: 1,
        ..Announcement::default()
    };
    let added = writer.register(key.as_str(), &announcement, Millis(0));
    let _any = table.find(host, path);
    if added.is_ok()
        && let Ok(again) = RouteKey::parse(key.as_str())
    {
        let (host, path) = again.as_str().split_at(again.host().len());
        let path = format!("{path}/");
        assert!(
            matches!(table.find(host, &path), Lookup::Found(pool) if pool.key() == again.as_str())
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_texts_break_no_promise() {
        let texts = [
            "",
            "/",
            "h//",
            "a.b/%2F/?q",
            "*.c\n/x",
            "h/\n//",
            "É.com/É",
            ".a/b",
            "*.*.a\n",
            "a/b//c\n/",
        ];
        for text in texts {
            fuzz_route_key(text.as_bytes());
            fuzz_lookup(text.as_bytes());
        }
        fuzz_lookup(&[b'a'; 5000]);
        fuzz_lookup(&[0xff, b'/', 0xc0]);
    }
}
