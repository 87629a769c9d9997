//! From JSON to values: Go's rules for text, lists, maps and what may be absent.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::error::DecodeError;
use super::reader::Reader;

/// A value that can be read from JSON *over* what it already holds.
///
/// In place, because that is what a key given twice means in Go: scalars are replaced, structs and
/// maps are merged, `null` leaves scalars and structs as they were and empties the rest.
pub trait Decode<'a> {
    /// Reads the next value of `reader` into `self`.
    ///
    /// # Errors
    ///
    /// Fails on broken JSON, a wrong type or a number out of range; `self` is then half filled and
    /// of no further use.
    fn decode(&mut self, reader: &mut Reader<'a>) -> Result<(), DecodeError>;
}

/// Decodes one whole document.
///
/// # Errors
///
/// Fails where [`Decode::decode`] does, and when something follows the value.
pub fn from_slice<'a, T>(bytes: &'a [u8]) -> Result<T, DecodeError>
where
    T: Decode<'a> + Default,
{
    let mut value = T::default();
    let mut reader = Reader::new(bytes);
    value.decode(&mut reader)?;
    reader.end()?;
    Ok(value)
}

impl<'a> Decode<'a> for Cow<'a, str> {
    fn decode(&mut self, reader: &mut Reader<'a>) -> Result<(), DecodeError> {
        if !reader.null()? {
            *self = reader.text()?;
        }
        Ok(())
    }
}

impl<'a> Decode<'a> for String {
    fn decode(&mut self, reader: &mut Reader<'a>) -> Result<(), DecodeError> {
        if !reader.null()? {
            *self = reader.text()?.into_owned();
        }
        Ok(())
    }
}

impl<'a> Decode<'a> for bool {
    fn decode(&mut self, reader: &mut Reader<'a>) -> Result<(), DecodeError> {
        if !reader.null()? {
            *self = reader.bool()?;
        }
        Ok(())
    }
}

/// `null` is `None`, as for a Go pointer.
impl<'a, T> Decode<'a> for Option<T>
where
    T: Decode<'a> + Default,
{
    fn decode(&mut self, reader: &mut Reader<'a>) -> Result<(), DecodeError> {
        if reader.null()? {
            *self = None;
            return Ok(());
        }
        self.get_or_insert_default().decode(reader)
    }
}

impl<'a, T> Decode<'a> for Vec<T>
where
    T: Decode<'a> + Default,
{
    fn decode(&mut self, reader: &mut Reader<'a>) -> Result<(), DecodeError> {
        if reader.null()? {
            self.clear();
            return Ok(());
        }
        let mut length = 0;
        reader.array(|reader, index| {
            length = index + 1;
            // compat: an element is read over the one that an earlier list left in its place.
            if let Some(element) = self.get_mut(index) {
                return element.decode(reader);
            }
            let mut element = T::default();
            element.decode(reader)?;
            self.push(element);
            Ok(())
        })?;
        self.truncate(length);
        Ok(())
    }
}

/// Keys of a map are data, so their case matters; the last of two equal keys wins.
impl<'a, T> Decode<'a> for BTreeMap<Cow<'a, str>, T>
where
    T: Decode<'a> + Default,
{
    fn decode(&mut self, reader: &mut Reader<'a>) -> Result<(), DecodeError> {
        if reader.null()? {
            self.clear();
            return Ok(());
        }
        reader.object(|reader, key| {
            // compat: unlike a struct field, a map's value is never merged with an earlier one.
            let mut value = T::default();
            value.decode(reader)?;
            self.insert(key, value);
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::error::{Kind, Reason};
    use super::*;

    #[derive(Debug, Default, PartialEq)]
    struct Inner {
        a: u16,
        b: u16,
    }
    crate::json_object!('a, Inner { "a" => a, "b" => b });

    #[derive(Debug, Default, PartialEq)]
    struct Outer<'a> {
        name: Cow<'a, str>,
        inner: Inner,
        list: Vec<Cow<'a, str>>,
        map: BTreeMap<Cow<'a, str>, Cow<'a, str>>,
        maybe: Option<bool>,
    }
    crate::json_object!('a, Outer<'a> {
        "name" => name, "inner" => inner, "list" => list, "map" => map, "maybe" => maybe,
    });

    fn outer(json: &str) -> Outer<'_> {
        from_slice(json.as_bytes()).unwrap()
    }

    #[test]
    fn unknown_keys_are_skipped_and_case_is_ignored() {
        let read = outer(r#"{"other":{"name":[1,{}]},"NAME":"x","Inner":{"B":2}}"#);
        assert_eq!((&*read.name, read.inner), ("x", Inner { a: 0, b: 2 }));
    }

    #[test]
    fn the_last_of_two_keys_wins_whatever_its_case() {
        assert_eq!(outer(r#"{"name":"x","Name":"y"}"#).name, "y");
        assert_eq!(outer(r#"{"Name":"y","name":"x"}"#).name, "x");
    }

    #[test]
    fn objects_given_twice_are_merged() {
        assert_eq!(
            outer(r#"{"inner":{"a":1},"inner":{"b":2}}"#).inner,
            Inner { a: 1, b: 2 }
        );
        let map = outer(r#"{"map":{"a":"1","b":"1"},"map":{"b":"2"}}"#).map;
        assert_eq!(
            map.iter().map(|(k, v)| (&**k, &**v)).collect::<Vec<_>>(),
            [("a", "1"), ("b", "2")]
        );
    }

    #[test]
    fn lists_given_twice_are_replaced_and_null_elements_keep_the_old() {
        assert_eq!(outer(r#"{"list":["a","b"],"list":["c"]}"#).list, ["c"]);
        assert_eq!(outer(r#"{"list":["a","b"],"list":[null]}"#).list, ["a"]);
        assert_eq!(outer(r#"{"list":[null]}"#).list, [""]);
    }

    #[test]
    fn null_leaves_scalars_and_structs_and_empties_the_rest() {
        let read = outer(
            r#"{"name":"x","inner":{"a":1},"list":["a"],"map":{"a":"b"},"maybe":true,
                "name":null,"inner":null,"list":null,"map":null,"maybe":null}"#,
        );
        let kept = Outer {
            name: "x".into(),
            inner: Inner { a: 1, b: 0 },
            ..Outer::default()
        };
        assert_eq!(read, kept);
    }

    #[test]
    fn a_document_may_be_null() {
        assert_eq!(outer(" null "), Outer::default());
    }

    #[test]
    fn a_wrong_type_is_told_with_its_key_and_place() {
        let error = from_slice::<Outer<'_>>(br#"{"inner":{"a":"1"}}"#).unwrap_err();
        assert_eq!(error.key(), Some("a"));
        assert_eq!(error.at(), 14);
        let expected = "an unsigned 16-bit integer";
        assert_eq!(
            error.reason(),
            Reason::Type {
                expected,
                found: Kind::Text
            }
        );
    }

    #[test]
    fn nothing_may_follow_the_document() {
        assert!(from_slice::<Outer<'_>>(b"{} x").is_err());
        assert!(from_slice::<Outer<'_>>(b"[]").is_err());
        assert!(from_slice::<Outer<'_>>(b"").is_err());
    }
}
