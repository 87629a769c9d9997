//! What is asked of a node, and what is known of one.

/// An instance or a staging task that needs a node.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Request<'a> {
    /// The process, whose instances are spread; for staging, the build.
    pub process: &'a str,
    /// Memory in MB.
    pub memory_mb: i64,
    /// Disk in MB.
    pub disk_mb: i64,
    /// The stack that it runs on.
    pub stack: &'a str,
    /// The placement zone; `None` is the zone `default`.
    pub zone: Option<&'a str>,
}

/// The node that takes it; what it needs is already subtracted there.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Chosen {
    /// The agent's id.
    pub agent: String,
}

/// A node as its agent advertised it, less what was promised since.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct NodeView<'a> {
    /// The agent's id.
    pub agent: &'a str,
    /// The node's address; empty when it is not told.
    pub ip: &'a str,
    /// Memory in MB; less than nothing when the node is overcommitted.
    pub free_memory_mb: i64,
    /// Disk in MB; `None` when it is not told.
    pub free_disk_mb: Option<i64>,
    /// Stacks that its instances can have.
    pub stacks: &'a [String],
    /// The placement zones that it carries.
    pub zones: &'a [String],
    /// The zone over which instances of one process are spread first.
    pub availability_zone: &'a str,
    /// Instances that it runs, or was just asked to run.
    pub instances: u64,
}
