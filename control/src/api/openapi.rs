//! `/openapi.json`: every route, described from the table that serves it.

use serde_json::{Value, json};
use utoipa::openapi::path::{OperationBuilder, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{
    ComponentsBuilder, InfoBuilder, OpenApi, OpenApiBuilder, PathItem, Paths, Required,
    ResponseBuilder,
};

use super::routes::Described;
use super::shapes;

/// The description of these routes.
pub(super) fn describe(routes: &[Described]) -> Value {
    // A description always has a text.
    let mut whole = serde_json::to_value(paths_of(routes)).unwrap_or_default();
    if let Some(components) = whole.get_mut("components").and_then(Value::as_object_mut) {
        components.insert("schemas".to_owned(), Value::Object(shapes::schemas()));
    }
    let paths = whole.get_mut("paths").and_then(Value::as_object_mut);
    for (path, item) in paths.into_iter().flatten() {
        for (method, operation) in item.as_object_mut().into_iter().flatten() {
            let method = method.to_ascii_uppercase();
            add_bodies(
                operation,
                shapes::request(&method, path),
                shapes::reply(&method, path),
            );
        }
    }
    whole
}

fn add_bodies(operation: &mut Value, request: Option<Value>, reply: Option<(&str, Value)>) {
    let json_of = |schema: Value| json!({ "application/json": { "schema": schema } });
    let Some(fields) = operation.as_object_mut() else {
        return;
    };
    if let Some(schema) = request {
        let body = json!({ "required": true, "content": json_of(schema) });
        fields.insert("requestBody".to_owned(), body);
    }
    let errors = json!({ "$ref": "#/components/schemas/Errors" });
    let refused = json!({ "description": "A refusal", "content": json_of(errors) });
    if let (Some((status, schema)), Some(responses)) = (
        reply,
        fields.get_mut("responses").and_then(Value::as_object_mut),
    ) {
        let well = json!({ "description": "It went well", "content": json_of(schema) });
        responses.insert(status.to_owned(), well);
        responses.insert("default".to_owned(), refused);
    }
}

fn paths_of(routes: &[Described]) -> OpenApi {
    let mut paths = Paths::new();
    for route in routes {
        let operation = operation_of(route).build();
        let item = PathItem::new(route.method.clone(), operation);
        paths = merged(paths, route.path, item);
    }
    let info = InfoBuilder::new()
        .title("Switchyard")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(
            "The subset of the CF API v3 that cf and its relatives use",
        ))
        .build();
    let bearer = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .bearer_format("JWT")
        .build();
    OpenApiBuilder::new()
        .info(info)
        .paths(paths)
        .components(Some(
            ComponentsBuilder::new()
                .security_scheme(TOKEN, SecurityScheme::Http(bearer))
                .build(),
        ))
        .build()
}

fn merged(mut paths: Paths, path: &str, item: PathItem) -> Paths {
    let mut one = Paths::new();
    one.paths.insert(path.to_owned(), item);
    paths.merge(one);
    paths
}

fn operation_of(route: &Described) -> OperationBuilder {
    let mut operation = OperationBuilder::new()
        .tag(route.tag)
        .summary(Some(route.summary))
        .response(
            "default",
            ResponseBuilder::new().description("The outcome").build(),
        );
    for name in parameters(route.path) {
        let schema = ObjectBuilder::new().schema_type(Type::String).build();
        let parameter = ParameterBuilder::new()
            .name(name)
            .parameter_in(ParameterIn::Path)
            .required(Required::True)
            .schema(Some(schema));
        operation = operation.parameter(parameter);
    }
    if route.path.starts_with("/v3/") && route.path != "/v3/info" {
        let none: [String; 0] = [];
        operation = operation.security(SecurityRequirement::new(TOKEN, none));
    }
    operation
}

fn parameters(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter_map(|step| {
        let name = step.strip_prefix('{')?.strip_suffix('}')?;
        Some(name.trim_start_matches('*'))
    })
}

const TOKEN: &str = "token";

#[cfg(test)]
mod tests {
    use super::*;
    use utoipa::openapi::HttpMethod;

    #[test]
    fn methods_of_one_path_stand_together() {
        let route = |method| Described {
            tag: "Apps",
            method,
            path: "/v3/apps/{guid}",
            summary: "Does something",
        };
        let document = describe(&[route(HttpMethod::Get), route(HttpMethod::Delete)]);
        let item = &document["paths"]["/v3/apps/{guid}"];
        assert_eq!(item["get"]["parameters"][0]["name"], "guid");
        assert!(item["delete"].is_object());
        let reply = &item["get"]["responses"]["200"]["content"]["application/json"]["schema"];
        assert_eq!(reply["$ref"], "#/components/schemas/App");
        assert!(document["components"]["schemas"]["App"]["properties"]["state"].is_object());
    }
}
