//! What many nodes share: stacks and zones. A request is compared with each sort of node once.

use std::collections::HashMap;

use crate::wire::{Advertisement, PlacementProperties};

/// The zone of a node that names none, and of a request that asks for none.
pub(super) const DEFAULT_ZONE: &str = "default";

/// One sort of node.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(super) struct Class {
    pub(super) stacks: Vec<String>,
    pub(super) zones: Vec<String>,
    legacy_zone: Option<String>,
    pub(super) availability_zone: String,
}

impl Class {
    pub(super) fn of(advertisement: &Advertisement) -> Self {
        let PlacementProperties {
            zone,
            zones,
            availability_zone,
        } = advertisement.placement_properties.clone();
        // A node that names no zone must be of use to those who ask for none.
        let zones = zones.filter(|zones| !zones.is_empty());
        Self {
            stacks: advertisement.stacks.clone(),
            zones: zones.unwrap_or_else(|| vec![DEFAULT_ZONE.to_owned()]),
            legacy_zone: zone,
            availability_zone: availability_zone.unwrap_or_else(|| DEFAULT_ZONE.to_owned()),
        }
    }

    pub(super) fn has_stack(&self, stack: &str) -> bool {
        self.stacks.iter().any(|own| own == stack)
    }

    pub(super) fn is_in(&self, zone: &str) -> bool {
        // compat: the one zone of an older agent counts only where no other was given (DEA pool).
        let legacy = self.zones == [DEFAULT_ZONE] && self.legacy_zone.as_deref() == Some(zone);
        legacy || self.zones.iter().any(|own| own == zone)
    }
}

/// Every sort of node that there is, each under a small number.
#[derive(Debug, Default)]
pub(super) struct Classes {
    numbers: HashMap<Class, u32>,
    slots: Vec<Option<(Class, u32)>>,
    vacant: Vec<u32>,
}

impl Classes {
    /// The number of `class`, with one more node in it.
    pub(super) fn join(&mut self, class: Class) -> u32 {
        if let Some(&number) = self.numbers.get(&class) {
            if let Some((_, nodes)) = self.slot(number) {
                *nodes += 1;
            }
            return number;
        }
        let number = self.vacant.pop().unwrap_or_else(|| {
            self.slots.push(None);
            u32::try_from(self.slots.len() - 1).unwrap_or(u32::MAX)
        });
        self.numbers.insert(class.clone(), number);
        if let Some(slot) = self.slots.get_mut(number as usize) {
            *slot = Some((class, 1));
        }
        number
    }

    /// Takes one node out of its class; a class without nodes is forgotten.
    pub(super) fn leave(&mut self, number: u32) {
        let Some((class, nodes)) = self.slot(number) else {
            return;
        };
        *nodes -= 1;
        if *nodes > 0 {
            return;
        }
        let class = class.clone();
        self.numbers.remove(&class);
        if let Some(slot) = self.slots.get_mut(number as usize) {
            *slot = None;
        }
        self.vacant.push(number);
    }

    pub(super) fn find(&self, number: u32) -> Option<&Class> {
        self.slots
            .get(number as usize)?
            .as_ref()
            .map(|(class, _)| class)
    }

    /// Every class in the order of its number; `None` where there is none.
    pub(super) fn iter(&self) -> impl Iterator<Item = Option<&Class>> {
        self.slots
            .iter()
            .map(|slot| slot.as_ref().map(|(class, _)| class))
    }

    fn slot(&mut self, number: u32) -> Option<&mut (Class, u32)> {
        self.slots.get_mut(number as usize)?.as_mut()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn class(zone: Option<&str>, zones: Option<&[&str]>) -> Class {
        Class::of(&Advertisement {
            id: "a".into(),
            placement_properties: PlacementProperties {
                zone: zone.map(str::to_owned),
                zones: zones.map(|zones| zones.iter().map(|&z| z.to_owned()).collect()),
                availability_zone: None,
            },
            ..Advertisement::default()
        })
    }

    #[test]
    fn a_node_without_zones_is_in_the_default_one() {
        for bare in [class(None, None), class(None, Some(&[]))] {
            assert!(bare.is_in("default") && !bare.is_in("gold"));
        }
    }

    #[test]
    fn a_node_with_zones_is_not_in_the_default_one() {
        let gold = class(None, Some(&["gold", "ssd"]));
        assert!(gold.is_in("gold") && gold.is_in("ssd") && !gold.is_in("default"));
    }

    #[test]
    fn the_older_zone_counts_only_beside_the_default_one() {
        assert!(class(Some("gold"), None).is_in("gold"));
        assert!(class(Some("gold"), Some(&["default"])).is_in("gold"));
        assert!(!class(Some("gold"), Some(&["ssd"])).is_in("gold"));
    }

    #[test]
    fn a_class_lives_as_long_as_its_nodes() {
        let mut classes = Classes::default();
        let first = classes.join(class(None, None));
        assert_eq!(classes.join(class(None, None)), first);
        let second = classes.join(class(None, Some(&["gold"])));
        classes.leave(first);
        assert!(classes.find(first).is_some());
        classes.leave(first);
        assert!(classes.find(first).is_none());
        assert_eq!(classes.join(class(None, Some(&["ssd"]))), first);
        assert_ne!(first, second);
    }
}
