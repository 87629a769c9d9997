//! What the node can still take; instances and staging draw on the same room.

use std::sync::{Arc, Mutex, PoisonError};

/// What a node offers, or what somebody takes of it.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Amount {
    /// Memory in MB.
    pub memory_mb: u64,
    /// Disk in MB.
    pub disk_mb: u64,
}

/// The node's room. Clones are the same room.
#[derive(Clone, Debug)]
pub struct Admission(Arc<Mutex<Room>>);

#[derive(Debug)]
struct Room {
    capacity: Amount,
    reserved: Amount,
}

/// Room that is kept for one instance or staging task. Dropping it gives the room back.
#[derive(Debug)]
pub struct Reservation {
    room: Admission,
    amount: Amount,
}

/// Why there is no room. The first words are those that users of the platform know.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Shortage {
    /// Too little disk is left.
    #[error("Not enough disk resource available. {wanted_mb} MB wanted, {free_mb} MB free.")]
    Disk {
        /// What was asked for.
        wanted_mb: u64,
        /// What is left.
        free_mb: u64,
    },
    /// Too little memory is left.
    #[error("Not enough memory resource available. {wanted_mb} MB wanted, {free_mb} MB free.")]
    Memory {
        /// What was asked for.
        wanted_mb: u64,
        /// What is left.
        free_mb: u64,
    },
}

impl Admission {
    /// A node with nothing on it.
    pub fn new(capacity: Amount) -> Self {
        let reserved = Amount::default();
        Self(Arc::new(Mutex::new(Room { capacity, reserved })))
    }

    /// Keeps room, or says what is missing.
    ///
    /// # Errors
    ///
    /// Fails when the amount does not fit any more.
    pub fn reserve(&self, amount: Amount) -> Result<Reservation, Shortage> {
        let free = self.free();
        if amount.memory_mb > free.memory_mb {
            return Err(Shortage::Memory {
                wanted_mb: amount.memory_mb,
                free_mb: free.memory_mb,
            });
        }
        if amount.disk_mb > free.disk_mb {
            return Err(Shortage::Disk {
                wanted_mb: amount.disk_mb,
                free_mb: free.disk_mb,
            });
        }
        Ok(self.occupy(amount))
    }

    /// Keeps room for what runs already, whether it fits or not.
    pub fn occupy(&self, amount: Amount) -> Reservation {
        self.change(|reserved| {
            reserved.memory_mb = reserved.memory_mb.saturating_add(amount.memory_mb);
            reserved.disk_mb = reserved.disk_mb.saturating_add(amount.disk_mb);
        });
        Reservation {
            room: self.clone(),
            amount,
        }
    }

    /// What is left.
    pub fn free(&self) -> Amount {
        let room = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Amount {
            memory_mb: room
                .capacity
                .memory_mb
                .saturating_sub(room.reserved.memory_mb),
            disk_mb: room.capacity.disk_mb.saturating_sub(room.reserved.disk_mb),
        }
    }

    /// What the node offers in all.
    pub fn capacity(&self) -> Amount {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .capacity
    }

    fn change(&self, with: impl FnOnce(&mut Amount)) {
        with(
            &mut self
                .0
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .reserved,
        );
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        let amount = self.amount;
        self.room.change(|reserved| {
            reserved.memory_mb = reserved.memory_mb.saturating_sub(amount.memory_mb);
            reserved.disk_mb = reserved.disk_mb.saturating_sub(amount.disk_mb);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn amount(memory_mb: u64, disk_mb: u64) -> Amount {
        Amount { memory_mb, disk_mb }
    }

    #[test]
    fn what_is_given_back_can_be_had_again() {
        let room = Admission::new(amount(100, 100));
        let first = room.reserve(amount(60, 10)).unwrap();
        let refused = room.reserve(amount(60, 10)).unwrap_err();
        assert_eq!(
            refused.to_string(),
            "Not enough memory resource available. 60 MB wanted, 40 MB free."
        );
        drop(first);
        let _again = room.reserve(amount(60, 10)).unwrap();
        assert_eq!(room.free(), amount(40, 90));
    }

    #[test]
    fn disk_is_looked_at_too() {
        let room = Admission::new(amount(100, 100));
        let refused = room.reserve(amount(1, 101)).unwrap_err();
        assert!(matches!(
            refused,
            Shortage::Disk {
                wanted_mb: 101,
                free_mb: 100
            }
        ));
    }

    #[test]
    fn what_runs_already_is_counted_even_when_it_does_not_fit() {
        let room = Admission::new(amount(100, 100));
        let _over = room.occupy(amount(150, 1));
        assert_eq!(room.free().memory_mb, 0);
        assert!(room.reserve(amount(1, 1)).is_err());
    }
}
