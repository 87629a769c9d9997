//! Who asks, and what they may see and do.

use crate::store::{Filter, Party, Role, RoleKind, Space};

/// The one who makes a request, as the store knows them now.
#[derive(Clone, Debug)]
pub struct Caller {
    /// A user or a program.
    pub actor: Actor,
    /// May do everything.
    pub is_admin: bool,
    roles: Vec<Role>,
}

/// A user or a program.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Actor {
    /// A program with an id and a secret.
    Client {
        /// Its id.
        id: String,
    },
    /// A person.
    User {
        /// The guid.
        guid: String,
        /// The name.
        name: String,
    },
}

impl Actor {
    /// The guid of a user, the id of a program.
    #[must_use]
    pub fn guid(&self) -> &str {
        match self {
            Self::Client { id } => id,
            Self::User { guid, .. } => guid,
        }
    }

    /// The name that people know.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Client { id } => id,
            Self::User { name, .. } => name,
        }
    }

    /// The actor of an audit event.
    #[must_use]
    pub fn party(&self) -> Party {
        Party {
            guid: self.guid().to_owned(),
            kind: match self {
                Self::Client { .. } => "client".to_owned(),
                Self::User { .. } => "user".to_owned(),
            },
            name: self.name().to_owned(),
        }
    }
}

impl Caller {
    /// Somebody with these roles.
    #[must_use]
    pub const fn new(actor: Actor, is_admin: bool, roles: Vec<Role>) -> Self {
        Self {
            actor,
            is_admin,
            roles,
        }
    }

    /// The guid of a user, the id of a program.
    #[must_use]
    pub fn guid(&self) -> &str {
        self.actor.guid()
    }

    /// Whether it has any role in this organization or in one of its spaces that were given a role
    /// together with `organization_user`.
    #[must_use]
    pub fn reads_organization(&self, guid: &str) -> bool {
        self.is_admin || self.roles.iter().any(|role| role.organization_guid == guid)
    }

    /// Whether it runs this organization.
    #[must_use]
    pub fn manages_organization(&self, guid: &str) -> bool {
        self.is_admin || self.has_in_organization(RoleKind::OrganizationManager, guid)
    }

    /// Whether it may see a space and what is in it.
    #[must_use]
    pub fn reads_space(&self, space: &Space) -> bool {
        self.manages_organization(&space.organization_guid)
            || self.roles.iter().any(|role| role.space_guid == space.guid)
    }

    /// Whether it may change applications, routes and services of a space, and see their secrets.
    #[must_use]
    pub fn writes_space(&self, space: &Space) -> bool {
        self.is_admin || self.has_in_space(RoleKind::SpaceDeveloper, space)
    }

    /// Whether it may start, stop and scale applications of a space.
    #[must_use]
    pub fn operates_space(&self, space: &Space) -> bool {
        self.writes_space(space) || self.has_in_space(RoleKind::SpaceSupporter, space)
    }

    /// Whether it may change the space itself and its roles.
    #[must_use]
    pub fn manages_space(&self, space: &Space) -> bool {
        self.manages_organization(&space.organization_guid)
            || self.has_in_space(RoleKind::SpaceManager, space)
    }

    /// Keeps the rows whose column is the guid of a space that it may see; `None` is all rows.
    #[must_use]
    pub fn space_filter(&self, column: &'static str) -> Option<Filter> {
        if self.is_admin {
            return None;
        }
        let filter = Filter::sql(column)
            .then(" IN (SELECT space_guid FROM roles WHERE user_guid = ")
            .value(self.guid())
            .then(
                " AND space_guid <> '' UNION SELECT s.guid FROM spaces s JOIN roles r \
                 ON r.organization_guid = s.organization_guid \
                 WHERE r.type = 'organization_manager' AND r.user_guid = ",
            )
            .value(self.guid())
            .then(")");
        Some(filter)
    }

    /// Keeps the rows whose column is the guid of an organization that it may see; `None` is all rows.
    #[must_use]
    pub fn organization_filter(&self, column: &'static str) -> Option<Filter> {
        if self.is_admin {
            return None;
        }
        let filter = Filter::sql(column)
            .then(" IN (SELECT organization_guid FROM roles WHERE user_guid = ")
            .value(self.guid())
            .then(" AND organization_guid <> '')");
        Some(filter)
    }

    fn has_in_organization(&self, kind: RoleKind, guid: &str) -> bool {
        self.roles
            .iter()
            .any(|role| role.kind == kind && role.organization_guid == guid)
    }

    fn has_in_space(&self, kind: RoleKind, space: &Space) -> bool {
        self.roles
            .iter()
            .any(|role| role.kind == kind && role.space_guid == space.guid)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Micros;

    fn space() -> Space {
        Space {
            guid: "s".to_owned(),
            name: "dev".to_owned(),
            organization_guid: "o".to_owned(),
            created_at: Micros(0),
            updated_at: Micros(0),
        }
    }

    fn caller(kind: RoleKind) -> Caller {
        let of_space = kind.is_of_space();
        let role = Role {
            guid: "r".to_owned(),
            kind,
            user_guid: "u".to_owned(),
            organization_guid: if of_space { "" } else { "o" }.to_owned(),
            space_guid: if of_space { "s" } else { "" }.to_owned(),
            created_at: Micros(0),
            updated_at: Micros(0),
        };
        let (guid, name) = ("u".to_owned(), "ada".to_owned());
        Caller::new(Actor::User { guid, name }, false, vec![role])
    }

    #[test]
    fn each_role_sees_and_does_its_own() {
        // role: sees the space, operates, writes, manages it
        let table = [
            (RoleKind::OrganizationAuditor, [false, false, false, false]),
            (
                RoleKind::OrganizationBillingManager,
                [false, false, false, false],
            ),
            (RoleKind::OrganizationManager, [true, false, false, true]),
            (RoleKind::OrganizationUser, [false, false, false, false]),
            (RoleKind::SpaceAuditor, [true, false, false, false]),
            (RoleKind::SpaceDeveloper, [true, true, true, false]),
            (RoleKind::SpaceManager, [true, false, false, true]),
            (RoleKind::SpaceSupporter, [true, true, false, false]),
        ];
        assert_eq!(table.map(|(kind, _)| kind), RoleKind::ALL);
        for (kind, [reads, operates, writes, manages]) in table {
            let (caller, space) = (caller(kind), space());
            assert_eq!(caller.reads_space(&space), reads, "{kind:?}");
            assert_eq!(caller.operates_space(&space), operates, "{kind:?}");
            assert_eq!(caller.writes_space(&space), writes, "{kind:?}");
            assert_eq!(caller.manages_space(&space), manages, "{kind:?}");
        }
    }

    #[test]
    fn a_role_elsewhere_counts_for_nothing() {
        let mut other = space();
        other.guid = "other".to_owned();
        other.organization_guid = "elsewhere".to_owned();
        for kind in RoleKind::ALL {
            assert!(!caller(kind).reads_space(&other), "{kind:?}");
        }
    }
}
