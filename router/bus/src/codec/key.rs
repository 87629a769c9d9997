//! Which field does a key mean? Exactly named first, then by Go's case folding.

/// Finds the known key that `key` means when letter case is ignored, as Go ignores it.
///
/// Known keys are ASCII. Besides ASCII case, Go folds U+017F (long s) to `s` and U+212A (Kelvin
/// sign) to `k`.
pub fn fold_match(known: &[&'static str], key: &str) -> Option<&'static str> {
    known.iter().copied().find(|name| folds_to(key, name))
}

fn folds_to(key: &str, name: &str) -> bool {
    // perf: an ASCII key of another length cannot match, and that is what unknown keys are.
    if key.is_ascii() {
        return key.eq_ignore_ascii_case(name);
    }
    key.chars().map(fold).eq(name.chars().map(fold))
}

fn fold(character: char) -> char {
    match character {
        '\u{17f}' => 's',
        '\u{212a}' => 'k',
        other => other.to_ascii_lowercase(),
    }
}

/// Lets a struct be decoded from a JSON object by Go's rules for struct fields.
///
/// ```
/// #[derive(Default)]
/// struct Beat<'a> {
///     droplet: std::borrow::Cow<'a, str>,
///     index: u32,
/// }
/// bus::json_object!('a, Beat<'a> { "droplet" => droplet, "index" => index });
///
/// let beat: Beat<'_> = bus::codec::from_slice(br#"{"Droplet":"d-1","INDEX":3}"#)?;
/// assert_eq!((&*beat.droplet, beat.index), ("d-1", 3));
/// # Ok::<(), bus::codec::DecodeError>(())
/// ```
#[macro_export]
macro_rules! json_object {
    ($life:lifetime, $type:ty { $($key:literal => $field:ident),+ $(,)? }) => {
        impl<$life> $crate::codec::Decode<$life> for $type {
            fn decode(
                &mut self,
                reader: &mut $crate::codec::Reader<$life>,
            ) -> Result<(), $crate::codec::DecodeError> {
                const KEYS: &[&str] = &[$($key),+];
                if reader.null()? {
                    return Ok(());
                }
                reader.object(|reader, key| {
                    let mut known: &str = &key;
                    loop {
                        match known {
                            $($key => {
                                return $crate::codec::Decode::decode(&mut self.$field, reader)
                                    .map_err(|error| error.within($key));
                            })+
                            _ => match $crate::codec::fold_match(KEYS, known) {
                                Some(folded) => known = folded,
                                None => return reader.skip(),
                            },
                        }
                    }
                })
            }
        }
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: &[&str] = &["uris", "tls_port", "protocol"];

    #[test]
    fn case_is_ignored() {
        assert_eq!(fold_match(KNOWN, "URIs"), Some("uris"));
        assert_eq!(fold_match(KNOWN, "Tls_Port"), Some("tls_port"));
        assert_eq!(fold_match(KNOWN, "uri"), None);
        assert_eq!(fold_match(KNOWN, "tls-port"), None);
    }

    #[test]
    fn long_s_and_kelvin_sign_fold_and_other_letters_do_not() {
        assert_eq!(fold_match(KNOWN, "uri\u{17f}"), Some("uris"));
        assert_eq!(fold_match(&["task"], "TAS\u{212a}"), Some("task"));
        assert_eq!(fold_match(KNOWN, "ürıs"), None);
    }
}
