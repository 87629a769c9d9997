//! Algorithm: the ways to choose that have a name.

/// How a pool chooses among its endpoints.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Algorithm {
    /// `least-connection`
    LeastConnection,
    /// `round-robin`
    #[default]
    RoundRobin,
}

impl Algorithm {
    /// Reads gorouter's name for it; unknown names are nothing.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "least-connection" => Some(Self::LeastConnection),
            "round-robin" => Some(Self::RoundRobin),
            _ => None,
        }
    }

    /// gorouter's name for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::LeastConnection => "least-connection",
            Self::RoundRobin => "round-robin",
        }
    }
}
