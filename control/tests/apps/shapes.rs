//! The fields that clients read in each kind of object, and what they hold.

use serde_json::Value;

use Family::{Marked, Other, Unmarked};

/// Whether a document has every field that clients read in objects of this kind.
#[track_caller]
pub(crate) fn check(kind: &str, document: &Value) {
    let found = SHAPES.iter().find(|(known, ..)| *known == kind);
    let (_, family, fields) = found.unwrap_or_else(|| panic!("no shape of {kind}"));
    let common: &[&str] = match family {
        Marked => &[OBJECT, MARKS],
        Unmarked => &[OBJECT],
        Other => &[],
    };
    for field in common
        .iter()
        .chain(fields.iter())
        .flat_map(|all| all.split_whitespace())
    {
        let (path, holds) = field.split_once('=').unwrap();
        let value = document.pointer(&format!("/{}", path.replace('.', "/")));
        let value = value.unwrap_or_else(|| panic!("{kind} has no {path}: {document}"));
        assert!(fits(value, holds), "{kind}: {path} is {value}, not {holds}");
    }
}

/// `text`, `time`, `link`, `number`, `flag`, `list`, `object`, `null`, or one of some words; `a/b` is either.
fn fits(value: &Value, holds: &str) -> bool {
    holds.split('/').any(|one| match one {
        "flag" => value.is_boolean(),
        "link" => value
            .as_str()
            .is_some_and(|text| text.starts_with("http://127.0.0.1:")),
        "list" => value.is_array(),
        "null" => value.is_null(),
        "number" => value.is_number(),
        "object" => value.is_object(),
        "text" => value.is_string(),
        "time" => value.as_str().is_some_and(is_time),
        words => value
            .as_str()
            .is_some_and(|text| words.split('|').any(|word| word == text)),
    })
}

/// `2026-01-02T03:04:05Z`.
fn is_time(text: &str) -> bool {
    let form = "0000-00-00T00:00:00Z";
    let digit = |(letter, meant): (char, char)| match meant {
        '0' => letter.is_ascii_digit(),
        other => letter == other,
    };
    text.len() == form.len() && text.chars().zip(form.chars()).all(digit)
}

enum Family {
    Marked,
    Unmarked,
    Other,
}

const OBJECT: &str = "guid=text created_at=time updated_at=time links.self.href=link";
const MARKS: &str = "metadata.labels=object metadata.annotations=object";

const SHAPES: &[(&str, Family, &[&str])] = &[
    (
        "list",
        Other,
        &[
            "pagination.total_results=number pagination.total_pages=number pagination.first.href=link",
            "pagination.last.href=link pagination.next=object/null pagination.previous=object/null resources=list",
        ],
    ),
    (
        "root",
        Other,
        &[
            "links.self.href=link links.cloud_controller_v2=null links.cloud_controller_v3.href=link",
            "links.cloud_controller_v3.meta.version=3.211.0 links.login.href=link links.uaa.href=link",
            "links.log_cache.href=link links.log_stream=object/null links.logging=object/null",
            "links.network_policy_v0=null links.network_policy_v1=null links.routing=null links.credhub=null",
            "links.app_ssh=null cf_on_k8s=flag",
        ],
    ),
    (
        "token",
        Other,
        &[
            "access_token=text token_type=bearer refresh_token=text expires_in=number scope=text jti=text",
        ],
    ),
    (
        "job",
        Unmarked,
        &["operation=text state=PROCESSING|POLLING|COMPLETE|FAILED errors=list warnings=list"],
    ),
    (
        "app",
        Marked,
        &[
            "name=text state=STARTED|STOPPED lifecycle.type=buildpack|docker|cnb lifecycle.data=object",
            "relationships.space.data.guid=text relationships.current_droplet.data=object/null",
        ],
    ),
    (
        "process",
        Marked,
        &[
            "type=text command=text/null instances=number memory_in_mb=number disk_in_mb=number",
            "log_rate_limit_in_bytes_per_second=number health_check.type=port|process|http",
            "health_check.data.timeout=number/null health_check.data.invocation_timeout=number/null",
            "readiness_health_check.type=port|process|http readiness_health_check.data=object",
            "relationships.app.data.guid=text relationships.revision=object/null version=text",
        ],
    ),
    (
        "process_instance",
        Other,
        &["index=number state=RUNNING|STARTING|CRASHED|DOWN|STOPPING since=number"],
    ),
    (
        "package",
        Marked,
        &[
            "type=bits|docker state=AWAITING_UPLOAD|PROCESSING_UPLOAD|READY|FAILED|EXPIRED data=object",
            "relationships.app.data.guid=text links.upload.href=link",
        ],
    ),
    (
        "build",
        Marked,
        &[
            "state=STAGING|STAGED|FAILED error=text/null lifecycle.type=buildpack|docker lifecycle.data=object",
            "package.guid=text droplet=object/null created_by.guid=text created_by.name=text created_by.email=text",
        ],
    ),
    (
        "droplet",
        Marked,
        &[
            "state=AWAITING_UPLOAD|STAGED error=text/null lifecycle.type=buildpack|docker execution_metadata=text",
            "process_types=object checksum=object/null buildpacks=list stack=text/null image=text/null",
            "relationships.app.data.guid=text links.download.href=link",
        ],
    ),
    (
        "deployment",
        Marked,
        &[
            "status.value=ACTIVE|FINALIZED status.reason=text status.details.last_status_change=time",
            "strategy=rolling|canary options.max_in_flight=number droplet.guid=text previous_droplet.guid=text/null",
            "new_processes=list relationships.app.data.guid=text links.cancel.href=link",
        ],
    ),
    (
        "route",
        Marked,
        &[
            "protocol=http|tcp host=text path=text port=number/null url=text destinations=list options=object",
            "relationships.space.data.guid=text relationships.domain.data.guid=text",
        ],
    ),
    (
        "destination",
        Other,
        &[
            "guid=text app.guid=text app.process.type=text weight=null port=number protocol=http1|http2",
        ],
    ),
    (
        "organization",
        Marked,
        &["name=text suspended=flag relationships.quota.data.guid=text"],
    ),
    (
        "space",
        Marked,
        &["name=text relationships.organization.data.guid=text"],
    ),
    (
        "domain",
        Marked,
        &[
            "name=text internal=flag router_group=object/null supported_protocols=list",
            "relationships.organization.data=object/null relationships.shared_organizations.data=list",
        ],
    ),
    (
        "role",
        Unmarked,
        &[
            "type=text relationships.user.data.guid=text relationships.organization.data=object/null",
            "relationships.space.data=object/null",
        ],
    ),
    (
        "user",
        Marked,
        &["username=text/null presentation_name=text origin=text/null"],
    ),
    (
        "stack",
        Marked,
        &[
            "name=text description=text default=flag state=ACTIVE|RESTRICTED|DEPRECATED|DISABLED state_reason=text/null",
        ],
    ),
    (
        "buildpack",
        Marked,
        &[
            "name=text stack=text/null position=number enabled=flag locked=flag state=AWAITING_UPLOAD|READY",
            "filename=text/null lifecycle=buildpack",
        ],
    ),
    (
        "organization_quota",
        Unmarked,
        &[
            "name=text apps=object services=object routes=object domains=object relationships.organizations.data=list",
        ],
    ),
    (
        "feature_flag",
        Other,
        &["name=text enabled=flag updated_at=time/null custom_error_message=text/null"],
    ),
    (
        "event",
        Unmarked,
        &[
            "type=text actor.guid=text actor.type=text actor.name=text target.guid=text target.type=text",
            "target.name=text data=object space=object/null organization=object/null",
        ],
    ),
    (
        "environment",
        Other,
        &[
            "staging_env_json=object running_env_json=object environment_variables=object",
            "system_env_json.VCAP_SERVICES=object application_env_json.VCAP_APPLICATION=object",
        ],
    ),
];
