//! Shapes, as tables: `name=type`, `outer.inner=type`, or `name!=type` for what must be there.

/// What every object of the client API has.
pub(super) const COMMON: [&str; 1] = ["guid=text created_at=time updated_at=time links=object"];
/// The beginning of every list.
pub(super) const PAGINATION: [&str; 2] = [
    "total_results=number total_pages=number first.href=text last.href=text",
    "next=object? previous=object?",
];

/// Word in the path, name, and fields besides the common ones.
pub(super) const REPLIES: &[(&str, &str, &[&str])] = &[
    (
        "apps",
        "App",
        &[
            "name=text state=STARTED|STOPPED lifecycle.type=buildpack|docker lifecycle.data=object",
            "relationships.space=relation relationships.current_droplet=relation metadata=object",
        ],
    ),
    (
        "audit_events",
        "AuditEvent",
        &["type=text actor=object target=object data=object space=object? organization=object?"],
    ),
    (
        "buildpacks",
        "Buildpack",
        &[
            "name=text stack=text? position=number enabled=flag locked=flag state=AWAITING_UPLOAD|READY",
            "filename=text? lifecycle=buildpack metadata=object",
        ],
    ),
    (
        "builds",
        "Build",
        &[
            "state=STAGING|STAGED|FAILED error=text? lifecycle=object package.guid=text droplet=object?",
            "created_by=object staging_memory_in_mb=number staging_disk_in_mb=number",
            "staging_log_rate_limit_bytes_per_second=number relationships=object metadata=object",
        ],
    ),
    (
        "deployments",
        "Deployment",
        &[
            "state=text status.value=ACTIVE|FINALIZED status.reason=text status.details=object status.canary=object",
            "strategy=rolling|canary options=object droplet.guid=text previous_droplet=object new_processes=list",
            "revision=object? relationships=object metadata=object",
        ],
    ),
    (
        "domains",
        "Domain",
        &[
            "name=text internal=flag router_group=object? supported_protocols=list relationships=object",
            "metadata=object",
        ],
    ),
    (
        "droplets",
        "Droplet",
        &[
            "state=AWAITING_UPLOAD|STAGED error=text? lifecycle=object execution_metadata=text",
            "process_types=object checksum=object? buildpacks=list stack=text? image=text?",
            "relationships=object metadata=object",
        ],
    ),
    (
        "organization_quotas",
        "OrganizationQuota",
        &[
            "name=text apps=object services=object routes=object domains=object relationships=object",
        ],
    ),
    (
        "organizations",
        "Organization",
        &["name=text suspended=flag relationships.quota=relation metadata=object"],
    ),
    (
        "packages",
        "Package",
        &[
            "type=bits|docker state=AWAITING_UPLOAD|PROCESSING_UPLOAD|READY|FAILED|EXPIRED data=object",
            "relationships.app=relation metadata=object",
        ],
    ),
    (
        "processes",
        "Process",
        &[
            "type=text command=text? user=text? instances=number memory_in_mb=number disk_in_mb=number version=text",
            "log_rate_limit_in_bytes_per_second=number health_check=object readiness_health_check=object",
            "relationships=object metadata=object",
        ],
    ),
    (
        "roles",
        "Role",
        &[
            "type=text relationships.user=relation relationships.organization=relation relationships.space=relation",
        ],
    ),
    (
        "routes",
        "Route",
        &[
            "protocol=http host=text path=text port=number? url=text destinations=list options=object",
            "relationships.space=relation relationships.domain=relation metadata=object",
        ],
    ),
    (
        "spaces",
        "Space",
        &["name=text relationships=object metadata=object"],
    ),
    (
        "stacks",
        "Stack",
        &[
            "name=text description=text default=flag state=ACTIVE|RESTRICTED|DEPRECATED|DISABLED",
            "state_reason=text? build_rootfs_image=text run_rootfs_image=text metadata=object",
        ],
    ),
    (
        "users",
        "User",
        &["username=text presentation_name=text origin=text metadata=object"],
    ),
];

/// Method, path and fields.
pub(super) const REQUESTS: &[(&str, &str, &[&str])] = &[
    (
        "POST",
        "/v3/apps",
        &[
            "name!=text lifecycle=object environment_variables=object relationships.space!=relation",
            "metadata=object",
        ],
    ),
    (
        "PATCH",
        "/v3/apps/{guid}",
        &["name=text lifecycle=object metadata=object"],
    ),
    (
        "PATCH",
        "/v3/apps/{guid}/environment_variables",
        &["var!=object"],
    ),
    (
        "PATCH",
        "/v3/apps/{guid}/relationships/current_droplet",
        &["data.guid!=text"],
    ),
    (
        "POST",
        "/v3/apps/{guid}/processes/{type}/actions/scale",
        SCALE,
    ),
    ("POST", "/v3/processes/{guid}/actions/scale", SCALE),
    (
        "PATCH",
        "/v3/processes/{guid}",
        &["command=text? health_check=object readiness_health_check=object metadata=object"],
    ),
    (
        "POST",
        "/v3/buildpacks",
        &[
            "name!=text stack=text? position=number enabled=flag locked=flag lifecycle=buildpack metadata=object",
        ],
    ),
    (
        "POST",
        "/v3/builds",
        &[
            "package.guid!=text lifecycle=object staging_memory_in_mb=number",
            "staging_disk_in_mb=number metadata=object",
        ],
    ),
    (
        "POST",
        "/v3/deployments",
        &[
            "droplet.guid=text strategy=rolling|canary options.max_in_flight=number options.canary.steps=list",
            "options.web_instances=number? options.memory_in_mb=number? options.disk_in_mb=number?",
            "options.log_rate_limit_in_bytes_per_second=number? relationships.app!=relation metadata=object",
        ],
    ),
    (
        "POST",
        "/v3/domains",
        &["name!=text internal=flag router_group=object? relationships=object metadata=object"],
    ),
    (
        "POST",
        "/v3/droplets",
        &["process_types=object relationships.app!=relation"],
    ),
    (
        "POST",
        "/v3/organizations",
        &["name!=text suspended=flag metadata=object"],
    ),
    (
        "POST",
        "/v3/packages",
        &[
            "type!=bits|docker data.image=text data.username=text data.password=text relationships.app!=relation",
            "metadata=object",
        ],
    ),
    (
        "POST",
        "/v3/roles",
        &[
            "type!=text relationships.user!=relation relationships.organization=relation relationships.space=relation",
        ],
    ),
    (
        "POST",
        "/v3/routes",
        &[
            "host=text path=text port=number? options.loadbalancing=round-robin|least-connection?",
            "relationships.space!=relation relationships.domain!=relation metadata=object",
        ],
    ),
    (
        "PATCH",
        "/v3/routes/{guid}",
        &["options=object metadata=object"],
    ),
    (
        "POST",
        "/v3/routes/{guid}/destinations",
        &["destinations!=list"],
    ),
    (
        "POST",
        "/v3/spaces",
        &["name!=text relationships.organization!=relation metadata=object"],
    ),
    (
        "PATCH",
        "/v3/stacks/{guid}",
        &["state=ACTIVE|RESTRICTED|DEPRECATED|DISABLED state_reason=text? metadata=object"],
    ),
];

const SCALE: &[&str] = &[
    "instances=number? memory_in_mb=number? disk_in_mb=number? log_rate_limit_in_bytes_per_second=number?",
];
