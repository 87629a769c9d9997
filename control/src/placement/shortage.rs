//! Why no node could be chosen.

use std::error::Error;
use std::fmt;

use super::request::Request;

/// No node can take it: what was wanted, and how many nodes each wish left.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Shortage {
    /// Memory in MB that was wanted.
    pub memory_mb: i64,
    /// Disk in MB that was wanted.
    pub disk_mb: i64,
    /// The stack that was wanted.
    pub stack: String,
    /// The placement zone that was wanted.
    pub zone: String,
    /// How many nodes each wish left.
    pub left: Left,
    /// The most memory in MB that a node with enough disk and the stack has free.
    pub most_memory_mb: Option<i64>,
}

/// How many nodes were left after each wish, in the order in which they are looked at.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Left {
    /// Heard of lately.
    pub alive: u32,
    /// And with enough disk.
    pub disk: u32,
    /// And with the stack.
    pub stack: u32,
    /// And with enough memory.
    pub memory: u32,
    /// And in the placement zone.
    pub zone: u32,
}

/// The wish that left no node.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Step {
    /// No agent was heard of lately.
    Alive,
    /// None has enough disk.
    Disk,
    /// Of those, none has enough memory.
    Memory,
    /// Of those, none has the stack.
    Stack,
    /// Of those, none is in the placement zone.
    Zone,
}

impl Shortage {
    /// A shortage for `request`, which left these nodes.
    pub(super) fn new(request: &Request<'_>, left: Left, most_memory_mb: Option<i64>) -> Self {
        Self {
            memory_mb: request.memory_mb,
            disk_mb: request.disk_mb,
            stack: request.stack.to_owned(),
            zone: request
                .zone
                .unwrap_or(super::class::DEFAULT_ZONE)
                .to_owned(),
            left,
            most_memory_mb,
        }
    }

    /// The wish that left no node.
    #[must_use]
    pub fn step(&self) -> Step {
        match self.left {
            Left { alive: 0, .. } => Step::Alive,
            Left { disk: 0, .. } => Step::Disk,
            Left { stack: 0, .. } => Step::Stack,
            Left { memory: 0, .. } => Step::Memory,
            Left { .. } => Step::Zone,
        }
    }
}

impl fmt::Display for Shortage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            memory_mb,
            disk_mb,
            stack,
            zone,
            left,
            ..
        } = self;
        match self.step() {
            Step::Alive => write!(f, "no node is there")?,
            Step::Disk => write!(f, "none of {} nodes has enough disk free", left.alive)?,
            Step::Stack => write!(f, "none of {} nodes has the stack", left.disk)?,
            Step::Memory => write!(
                f,
                "none of {} nodes has enough memory free, the most is {} MB",
                left.stack,
                self.most_memory_mb.unwrap_or_default()
            )?,
            Step::Zone => write!(f, "none of {} nodes with room is in the zone", left.memory)?,
        }
        write!(
            f,
            " (memory {memory_mb} MB, disk {disk_mb} MB, stack `{stack}`, zone `{zone}`)"
        )
    }
}

impl Error for Shortage {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_names_the_step_and_every_wish() {
        let request = Request {
            process: "p",
            memory_mb: 512,
            disk_mb: 1024,
            stack: "s",
            zone: None,
        };
        let left = Left {
            alive: 3,
            disk: 3,
            stack: 2,
            memory: 0,
            zone: 0,
        };
        let shortage = Shortage::new(&request, left, Some(256));
        assert_eq!(shortage.step(), Step::Memory);
        assert_eq!(
            shortage.to_string(),
            "none of 2 nodes has enough memory free, the most is 256 MB \
             (memory 512 MB, disk 1024 MB, stack `s`, zone `default`)"
        );
    }
}
