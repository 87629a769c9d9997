//! `/openapi.json`: every route, described from the table that serves it.

use utoipa::openapi::path::{OperationBuilder, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{
    ComponentsBuilder, InfoBuilder, OpenApi, OpenApiBuilder, PathItem, Paths, Required,
    ResponseBuilder,
};

use super::routes::Described;

/// The description of these routes.
pub(super) fn describe(routes: &[Described]) -> OpenApi {
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
        let described = describe(&[route(HttpMethod::Get), route(HttpMethod::Delete)]);
        let document = serde_json::to_value(&described).unwrap();
        let item = &document["paths"]["/v3/apps/{guid}"];
        assert_eq!(item["get"]["parameters"][0]["name"], "guid");
        assert!(item["delete"].is_object());
    }
}
