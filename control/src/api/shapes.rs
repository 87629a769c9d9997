//! Shapes: the fields of the main requests and replies, for the description of the API.

use serde_json::{Map, Value, json};

use super::shape_tables::{COMMON, PAGINATION, REPLIES, REQUESTS};

/// The schemas that others refer to, by name.
pub(super) fn schemas() -> Map<String, Value> {
    let mut schemas = Map::new();
    for (_, name, fields) in REPLIES {
        schemas.insert(
            (*name).to_owned(),
            object(fields.iter().copied().chain(COMMON)),
        );
    }
    schemas.insert("Errors".to_owned(), object(["errors=list"]));
    schemas.insert("Pagination".to_owned(), object(PAGINATION));
    schemas.insert("Relationship".to_owned(), object(["data.guid=text?"]));
    schemas
}

/// What a route answers when it goes well: the status and the schema.
pub(super) fn reply(method: &str, path: &str) -> Option<(&'static str, Value)> {
    let rest = path.strip_prefix("/v3/")?;
    let of_kind = |kind: &str| REPLIES.iter().find(|(known, ..)| *known == kind);
    let (list, one) = match rest.split('/').collect::<Vec<_>>().as_slice() {
        [kind] | [_, "{guid}", kind] => (true, of_kind(kind)?),
        [kind, "{guid}" | "{name}"] => (false, of_kind(kind)?),
        _ => return None,
    };
    let schema = reference(one.1);
    match method {
        "GET" if list => Some(("200", list_of(&schema))),
        "POST" if list => Some(("201", schema)),
        "GET" | "PATCH" => Some(("200", schema)),
        _ => None,
    }
}

/// What a route reads.
pub(super) fn request(method: &str, path: &str) -> Option<Value> {
    let mut known = REQUESTS.iter();
    let found = known.find(|(of_method, of_path, _)| (*of_method, *of_path) == (method, path));
    found.map(|(_, _, fields)| object(fields.iter().copied()))
}

fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

fn list_of(schema: &Value) -> Value {
    json!({
        "type": "object",
        "required": ["pagination", "resources"],
        "properties": {
            "pagination": reference("Pagination"),
            "resources": { "type": "array", "items": schema },
        },
    })
}

/// An object with the fields of a table.
fn object<'f>(fields: impl IntoIterator<Item = &'f str>) -> Value {
    let mut whole = json!({ "type": "object", "properties": {} });
    let all = fields.into_iter().flat_map(str::split_whitespace);
    for (path, holds) in all.filter_map(|field| field.split_once('=')) {
        let (path, must) = match path.strip_suffix('!') {
            Some(path) => (path, true),
            None => (path, false),
        };
        insert(&mut whole, path, (holds, must));
    }
    whole
}

fn insert(object: &mut Value, path: &str, (holds, must): (&str, bool)) {
    let (name, rest) = match path.split_once('.') {
        Some((name, rest)) => (name, Some(rest)),
        None => (path, None),
    };
    if must && let Some(fields) = object.as_object_mut() {
        let required = fields.entry("required").or_insert_with(|| json!([]));
        required
            .as_array_mut()
            .into_iter()
            .for_each(|all| all.push(json!(name)));
    }
    let properties = object.get_mut("properties").and_then(Value::as_object_mut);
    let Some(properties) = properties else { return };
    match rest {
        None => {
            properties.insert(name.to_owned(), schema(holds));
        }
        Some(rest) => {
            let empty = || json!({ "type": "object", "properties": {} });
            let inner = properties.entry(name).or_insert_with(empty);
            insert(inner, rest, (holds, must));
        }
    }
}

/// A type by its word; `?` after it allows `null`, and `A|B` are the words that a text may be.
fn schema(holds: &str) -> Value {
    let (word, nullable) = match holds.strip_suffix('?') {
        Some(word) => (word, true),
        None => (holds, false),
    };
    let (name, mut schema) = match word {
        "flag" => ("boolean", json!({})),
        "list" => ("array", json!({ "items": {} })),
        "number" => ("integer", json!({})),
        "object" => ("object", json!({})),
        "relation" => return reference("Relationship"),
        "text" => ("string", json!({})),
        "time" => ("string", json!({ "format": "date-time" })),
        words => (
            "string",
            json!({ "enum": words.split('|').collect::<Vec<_>>() }),
        ),
    };
    if let Some(fields) = schema.as_object_mut() {
        let name = if nullable {
            json!([name, "null"])
        } else {
            json!(name)
        };
        fields.insert("type".to_owned(), name);
    }
    schema
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_become_nested_objects_with_types() {
        let schema = object(["name!=text a.b=number? a.c=X|Y"]);
        assert_eq!(schema["required"], json!(["name"]));
        let inner = &schema["properties"]["a"]["properties"];
        assert_eq!(inner["b"]["type"], json!(["integer", "null"]));
        assert_eq!(inner["c"]["enum"], json!(["X", "Y"]));
    }

    #[test]
    fn lists_and_single_objects_are_told_apart() {
        let (status, list) = reply("GET", "/v3/apps/{guid}/packages").unwrap();
        let item = &list["properties"]["resources"]["items"]["$ref"];
        assert_eq!(
            (status, item),
            ("200", &json!("#/components/schemas/Package"))
        );
        assert_eq!(reply("POST", "/v3/apps").unwrap().0, "201");
        assert!(reply("GET", "/v3/apps/{guid}/env").is_none());
        assert!(reply("DELETE", "/v3/apps/{guid}").is_none());
    }
}
