-- The platform's desired state, in the SQL that SQLite and PostgreSQL share.
--
-- Guids and enums are TEXT, instants BIGINT (microseconds since 1970), booleans BIGINT (0 or 1), documents TEXT (JSON).
-- What is deleted takes its parts with it (CASCADE); what others merely name refuses to go while named.

CREATE TABLE leases (
    name TEXT PRIMARY KEY,
    holder TEXT NOT NULL,
    epoch BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);

CREATE TABLE settings (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
);

-- Who may come in ---------------------------------------------------------------------------------

CREATE TABLE users (
    guid TEXT PRIMARY KEY,
    username TEXT NOT NULL,
    origin TEXT NOT NULL,
    password_hash TEXT,
    given_name TEXT NOT NULL DEFAULT '',
    family_name TEXT NOT NULL DEFAULT '',
    email TEXT NOT NULL DEFAULT '',
    is_admin BIGINT NOT NULL DEFAULT 0,
    failed_logins BIGINT NOT NULL DEFAULT 0,
    locked_until BIGINT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    UNIQUE (username, origin)
);

CREATE TABLE oauth_clients (
    id TEXT PRIMARY KEY,
    secret_hash TEXT NOT NULL,
    scopes TEXT NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE refresh_tokens (
    digest TEXT PRIMARY KEY,
    user_guid TEXT NOT NULL REFERENCES users (guid) ON DELETE CASCADE,
    client_id TEXT NOT NULL,
    expires_at BIGINT NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE signing_keys (
    kid TEXT PRIMARY KEY,
    private_key TEXT NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE setup_links (
    digest TEXT PRIMARY KEY,
    expires_at BIGINT NOT NULL,
    used_at BIGINT
);

-- Organizations, spaces, domains --------------------------------------------------------------------

CREATE TABLE organization_quotas (
    guid TEXT PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    limits TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);

CREATE TABLE organizations (
    guid TEXT PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    suspended BIGINT NOT NULL DEFAULT 0,
    quota_guid TEXT NOT NULL REFERENCES organization_quotas (guid),
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);

CREATE TABLE spaces (
    guid TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    organization_guid TEXT NOT NULL REFERENCES organizations (guid) ON DELETE CASCADE,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    UNIQUE (organization_guid, name)
);

-- Exactly one of organization and space is named; the other is ''. No NULL, so that UNIQUE holds.
CREATE TABLE roles (
    guid TEXT PRIMARY KEY,
    type TEXT NOT NULL,
    user_guid TEXT NOT NULL REFERENCES users (guid) ON DELETE CASCADE,
    organization_guid TEXT NOT NULL DEFAULT '',
    space_guid TEXT NOT NULL DEFAULT '',
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    UNIQUE (type, user_guid, organization_guid, space_guid)
);

CREATE TABLE domains (
    guid TEXT PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    internal BIGINT NOT NULL DEFAULT 0,
    organization_guid TEXT REFERENCES organizations (guid) ON DELETE CASCADE,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);

CREATE TABLE domain_shares (
    domain_guid TEXT NOT NULL REFERENCES domains (guid) ON DELETE CASCADE,
    organization_guid TEXT NOT NULL REFERENCES organizations (guid) ON DELETE CASCADE,
    PRIMARY KEY (domain_guid, organization_guid)
);

-- Applications --------------------------------------------------------------------------------------

CREATE TABLE stacks (
    guid TEXT PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    description TEXT NOT NULL DEFAULT '',
    is_default BIGINT NOT NULL DEFAULT 0,
    -- ACTIVE, DEPRECATED, RESTRICTED or DISABLED, and why
    state TEXT NOT NULL DEFAULT 'ACTIVE',
    state_reason TEXT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);

CREATE TABLE buildpacks (
    guid TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    stack TEXT NOT NULL DEFAULT '',
    position BIGINT NOT NULL,
    enabled BIGINT NOT NULL DEFAULT 1,
    locked BIGINT NOT NULL DEFAULT 0,
    state TEXT NOT NULL,
    filename TEXT,
    sha256 TEXT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    UNIQUE (name, stack)
);

CREATE TABLE apps (
    guid TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    space_guid TEXT NOT NULL REFERENCES spaces (guid) ON DELETE CASCADE,
    state TEXT NOT NULL,
    lifecycle_type TEXT NOT NULL,
    -- JSON array of buildpack names and URLs
    buildpacks TEXT NOT NULL DEFAULT '[]',
    stack TEXT NOT NULL,
    environment TEXT NOT NULL DEFAULT '{}',
    features TEXT NOT NULL DEFAULT '{}',
    droplet_guid TEXT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    UNIQUE (space_guid, name)
);

-- During a rolling deployment an application has two processes of one type; the new one names its deployment.
CREATE TABLE processes (
    guid TEXT PRIMARY KEY,
    app_guid TEXT NOT NULL REFERENCES apps (guid) ON DELETE CASCADE,
    type TEXT NOT NULL,
    command TEXT,
    instances BIGINT NOT NULL,
    memory_mb BIGINT NOT NULL,
    disk_mb BIGINT NOT NULL,
    log_rate_limit BIGINT NOT NULL DEFAULT -1,
    health_check TEXT NOT NULL,
    readiness_health_check TEXT NOT NULL,
    -- renewed when running instances must be replaced
    version TEXT NOT NULL,
    -- the droplet that its instances run
    droplet_guid TEXT,
    deployment_guid TEXT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE INDEX processes_of_app ON processes (app_guid, type);

CREATE TABLE sidecars (
    guid TEXT PRIMARY KEY,
    app_guid TEXT NOT NULL REFERENCES apps (guid) ON DELETE CASCADE,
    name TEXT NOT NULL,
    command TEXT NOT NULL,
    process_types TEXT NOT NULL,
    memory_mb BIGINT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    UNIQUE (app_guid, name)
);

CREATE TABLE packages (
    guid TEXT PRIMARY KEY,
    app_guid TEXT NOT NULL REFERENCES apps (guid) ON DELETE CASCADE,
    type TEXT NOT NULL,
    state TEXT NOT NULL,
    error TEXT,
    sha256 TEXT,
    size_bytes BIGINT,
    image TEXT,
    image_username TEXT,
    image_password TEXT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE INDEX packages_of_app ON packages (app_guid, created_at);

CREATE TABLE droplets (
    guid TEXT PRIMARY KEY,
    app_guid TEXT NOT NULL REFERENCES apps (guid) ON DELETE CASCADE,
    package_guid TEXT,
    state TEXT NOT NULL,
    error TEXT,
    sha1 TEXT,
    sha256 TEXT,
    size_bytes BIGINT,
    process_types TEXT NOT NULL DEFAULT '{}',
    buildpacks TEXT NOT NULL DEFAULT '[]',
    execution_metadata TEXT NOT NULL DEFAULT '',
    stack TEXT,
    image TEXT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE INDEX droplets_of_app ON droplets (app_guid, created_at);

CREATE TABLE builds (
    guid TEXT PRIMARY KEY,
    app_guid TEXT NOT NULL REFERENCES apps (guid) ON DELETE CASCADE,
    package_guid TEXT NOT NULL,
    droplet_guid TEXT,
    state TEXT NOT NULL,
    error TEXT,
    lifecycle_type TEXT NOT NULL,
    buildpacks TEXT NOT NULL DEFAULT '[]',
    stack TEXT NOT NULL,
    memory_mb BIGINT NOT NULL,
    disk_mb BIGINT NOT NULL,
    -- which agent stages it, once one was chosen
    stager TEXT,
    deadline BIGINT NOT NULL,
    created_by_guid TEXT NOT NULL,
    created_by_name TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE INDEX builds_of_app ON builds (app_guid, created_at);
CREATE INDEX builds_by_state ON builds (state);

CREATE TABLE deployments (
    guid TEXT PRIMARY KEY,
    app_guid TEXT NOT NULL REFERENCES apps (guid) ON DELETE CASCADE,
    state TEXT NOT NULL,
    status_value TEXT NOT NULL,
    status_reason TEXT NOT NULL,
    strategy TEXT NOT NULL,
    max_in_flight BIGINT NOT NULL DEFAULT 1,
    droplet_guid TEXT NOT NULL,
    previous_droplet_guid TEXT,
    process_guid TEXT NOT NULL,
    previous_process_guid TEXT NOT NULL,
    -- how many instances the process had before, and is to have after
    original_instances BIGINT NOT NULL,
    desired_instances BIGINT NOT NULL,
    deadline BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    -- weights in percent, a JSON list; none is one canary of one instance
    canary_steps TEXT NOT NULL DEFAULT '[]',
    -- how many canaries have run, so that what follows a pause is the next one or the rest of the way
    canaries_ran BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX deployments_of_app ON deployments (app_guid, created_at);
CREATE INDEX deployments_by_status ON deployments (status_value);

-- Routes ----------------------------------------------------------------------------------------------

CREATE TABLE routes (
    guid TEXT PRIMARY KEY,
    space_guid TEXT NOT NULL REFERENCES spaces (guid) ON DELETE CASCADE,
    domain_guid TEXT NOT NULL REFERENCES domains (guid) ON DELETE CASCADE,
    protocol TEXT NOT NULL DEFAULT 'http',
    host TEXT NOT NULL DEFAULT '',
    path TEXT NOT NULL DEFAULT '',
    port BIGINT NOT NULL DEFAULT 0,
    options TEXT NOT NULL DEFAULT '{}',
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    UNIQUE (domain_guid, host, path, port)
);

CREATE TABLE destinations (
    guid TEXT PRIMARY KEY,
    route_guid TEXT NOT NULL REFERENCES routes (guid) ON DELETE CASCADE,
    app_guid TEXT NOT NULL REFERENCES apps (guid) ON DELETE CASCADE,
    process_type TEXT NOT NULL,
    port BIGINT NOT NULL DEFAULT 8080,
    protocol TEXT NOT NULL DEFAULT 'http1',
    created_at BIGINT NOT NULL,
    UNIQUE (route_guid, app_guid, process_type, port)
);
CREATE INDEX destinations_of_app ON destinations (app_guid);

-- Services --------------------------------------------------------------------------------------------

-- A space's own broker outlives its space until what it made there is taken away.
CREATE TABLE service_brokers (
    guid TEXT PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    url TEXT NOT NULL,
    username TEXT NOT NULL,
    password TEXT NOT NULL,
    space_guid TEXT,
    state TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);

-- catalog_id is the broker's own id; facts is what else its catalogue says.
CREATE TABLE service_offerings (
    guid TEXT PRIMARY KEY,
    broker_guid TEXT NOT NULL REFERENCES service_brokers (guid) ON DELETE CASCADE,
    catalog_id TEXT NOT NULL,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    available BIGINT NOT NULL,
    facts TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    UNIQUE (broker_guid, catalog_id)
);

CREATE TABLE service_plans (
    guid TEXT PRIMARY KEY,
    offering_guid TEXT NOT NULL REFERENCES service_offerings (guid) ON DELETE CASCADE,
    catalog_id TEXT NOT NULL,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    available BIGINT NOT NULL,
    visibility TEXT NOT NULL,
    facts TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    UNIQUE (offering_guid, catalog_id)
);

CREATE TABLE plan_visibilities (
    plan_guid TEXT NOT NULL REFERENCES service_plans (guid) ON DELETE CASCADE,
    organization_guid TEXT NOT NULL REFERENCES organizations (guid) ON DELETE CASCADE,
    PRIMARY KEY (plan_guid, organization_guid)
);

CREATE TABLE service_instances (
    guid TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    space_guid TEXT NOT NULL REFERENCES spaces (guid) ON DELETE CASCADE,
    type TEXT NOT NULL,
    credentials TEXT NOT NULL DEFAULT '{}',
    syslog_drain_url TEXT,
    route_service_url TEXT,
    tags TEXT NOT NULL DEFAULT '[]',
    plan_guid TEXT REFERENCES service_plans (guid),
    dashboard_url TEXT,
    maintenance_info TEXT NOT NULL DEFAULT '{}',
    operation_type TEXT NOT NULL,
    operation_state TEXT NOT NULL,
    operation_description TEXT NOT NULL DEFAULT '',
    operation_started_at BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    UNIQUE (space_guid, name)
);
CREATE INDEX service_instances_of_plan ON service_instances (plan_guid);

-- A key belongs to no application: its app_guid is NULL.
CREATE TABLE service_bindings (
    guid TEXT PRIMARY KEY,
    type TEXT NOT NULL,
    name TEXT,
    instance_guid TEXT NOT NULL REFERENCES service_instances (guid) ON DELETE CASCADE,
    app_guid TEXT REFERENCES apps (guid) ON DELETE CASCADE,
    credentials TEXT NOT NULL DEFAULT '{}',
    syslog_drain_url TEXT,
    volume_mounts TEXT NOT NULL DEFAULT '[]',
    operation_type TEXT NOT NULL,
    operation_state TEXT NOT NULL,
    operation_description TEXT NOT NULL DEFAULT '',
    operation_started_at BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE INDEX service_bindings_of_instance ON service_bindings (instance_guid);
CREATE INDEX service_bindings_of_app ON service_bindings (app_guid);

-- What is asked of brokers. A row outlives what it is about when something must still be taken away.
CREATE TABLE service_operations (
    guid TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    phase TEXT NOT NULL,
    broker_guid TEXT NOT NULL REFERENCES service_brokers (guid) ON DELETE CASCADE,
    instance_guid TEXT NOT NULL DEFAULT '',
    binding_guid TEXT NOT NULL DEFAULT '',
    job_guid TEXT NOT NULL DEFAULT '',
    facts TEXT NOT NULL,
    tries BIGINT NOT NULL DEFAULT 0,
    due_at BIGINT NOT NULL,
    deadline BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE INDEX service_operations_due ON service_operations (due_at);
CREATE INDEX service_operations_of_instance ON service_operations (instance_guid);

-- What happened, and what goes on ------------------------------------------------------------------------

CREATE TABLE jobs (
    guid TEXT PRIMARY KEY,
    operation TEXT NOT NULL,
    state TEXT NOT NULL,
    errors TEXT NOT NULL DEFAULT '[]',
    warnings TEXT NOT NULL DEFAULT '[]',
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);

CREATE TABLE audit_events (
    guid TEXT PRIMARY KEY,
    type TEXT NOT NULL,
    actor_guid TEXT NOT NULL,
    actor_type TEXT NOT NULL,
    actor_name TEXT NOT NULL,
    target_guid TEXT NOT NULL,
    target_type TEXT NOT NULL,
    target_name TEXT NOT NULL,
    space_guid TEXT NOT NULL DEFAULT '',
    organization_guid TEXT NOT NULL DEFAULT '',
    data TEXT NOT NULL DEFAULT '{}',
    created_at BIGINT NOT NULL
);
CREATE INDEX audit_events_of_target ON audit_events (target_guid, created_at);

CREATE TABLE feature_flags (
    name TEXT PRIMARY KEY,
    enabled BIGINT NOT NULL,
    custom_error_message TEXT,
    updated_at BIGINT NOT NULL
);

-- Labels and annotations of every kind of resource; kind is 'label' or 'annotation'.
CREATE TABLE metadata (
    resource_guid TEXT NOT NULL,
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (resource_guid, kind, name)
);

-- How often each index of a process has crashed in a row, for the controller that takes over.
CREATE TABLE crash_counts (
    process_guid TEXT NOT NULL REFERENCES processes (guid) ON DELETE CASCADE,
    instance_index BIGINT NOT NULL,
    version TEXT NOT NULL,
    crashes BIGINT NOT NULL,
    last_crash_at BIGINT NOT NULL,
    PRIMARY KEY (process_guid, instance_index)
);

-- Nodes that may have instances: each is written down before the first start goes there.
CREATE TABLE nodes (
    name TEXT PRIMARY KEY
);
