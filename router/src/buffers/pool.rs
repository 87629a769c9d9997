//! The free lists, one set per thread, which is one per core.

use std::cell::RefCell;

/// How large a buffer is. Each class holds four times what the one below holds.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Class {
    /// 4 KiB: nearly every request head, and a small body with it.
    Head,
    /// 16 KiB: the first read of an answer.
    Small,
    /// 64 KiB: a body that filled a smaller buffer.
    Medium,
    /// 256 KiB: a bulk transfer.
    Large,
    /// 1.25 MiB: a head at the limit of what may be configured. Never kept in the pool.
    Huge,
}

impl Class {
    /// Capacity in bytes.
    #[must_use]
    pub const fn bytes(self) -> usize {
        match self {
            Self::Head => 4 << 10,
            Self::Small => 16 << 10,
            Self::Medium => 64 << 10,
            Self::Large => 256 << 10,
            Self::Huge => 1280 << 10,
        }
    }

    /// The next larger class; the largest is its own successor.
    #[must_use]
    pub const fn larger(self) -> Self {
        match self {
            Self::Head => Self::Small,
            Self::Small => Self::Medium,
            Self::Medium => Self::Large,
            Self::Large | Self::Huge => Self::Huge,
        }
    }

    /// The smallest class that holds `bytes`, or `None` where none does.
    #[must_use]
    pub fn holding(bytes: usize) -> Option<Self> {
        [
            Self::Head,
            Self::Small,
            Self::Medium,
            Self::Large,
            Self::Huge,
        ]
        .into_iter()
        .find(|class| class.bytes() >= bytes)
    }

    /// How many free buffers of this class one core keeps: 8 MiB a class at the most.
    const fn kept(self) -> usize {
        match self {
            Self::Head => 1024,
            Self::Small => 512,
            Self::Medium => 64,
            Self::Large => 16,
            Self::Huge => 0,
        }
    }
}

#[derive(Default)]
struct Pool {
    head: Vec<Box<[u8]>>,
    small: Vec<Box<[u8]>>,
    medium: Vec<Box<[u8]>>,
    large: Vec<Box<[u8]>>,
}

impl Pool {
    fn list(&mut self, class: Class) -> Option<&mut Vec<Box<[u8]>>> {
        match class {
            Class::Head => Some(&mut self.head),
            Class::Small => Some(&mut self.small),
            Class::Medium => Some(&mut self.medium),
            Class::Large => Some(&mut self.large),
            Class::Huge => None,
        }
    }
}

thread_local! {
    static POOL: RefCell<Pool> = const {
        RefCell::new(Pool { head: Vec::new(), small: Vec::new(), medium: Vec::new(), large: Vec::new() })
    };
}

/// Takes the most recently used free block of a class (the one most likely still in cache), or
/// makes one. A new block is zeroed by the kernel, page by page, when it is first touched.
pub(super) fn take(class: Class) -> Box<[u8]> {
    POOL.try_with(|pool| pool.borrow_mut().list(class).and_then(Vec::pop))
        .ok()
        .flatten()
        .unwrap_or_else(|| vec![0; class.bytes()].into_boxed_slice())
}

/// Gives a block back; drops it where the class has enough, or the thread is ending.
pub(super) fn give(class: Class, block: Box<[u8]>) {
    let _gone_with_the_thread = POOL.try_with(|pool| {
        if let Some(list) = pool.borrow_mut().list(class)
            && list.len() < class.kept()
        {
            list.push(block);
        }
    });
}

/// Bytes that this core's pool holds ready, all classes together.
#[must_use]
pub fn pooled_bytes() -> usize {
    POOL.try_with(|pool| {
        let mut pool = pool.borrow_mut();
        [Class::Head, Class::Small, Class::Medium, Class::Large]
            .into_iter()
            .map(|class| {
                pool.list(class)
                    .map_or(0, |list| list.len() * class.bytes())
            })
            .sum()
    })
    .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_given_back_is_taken_again() {
        let block = take(Class::Small);
        let address = block.as_ptr();
        give(Class::Small, block);
        let again = take(Class::Small);
        assert_eq!(again.as_ptr(), address);
    }

    #[test]
    fn a_class_keeps_no_more_than_its_share() {
        for _ in 0..Class::Large.kept() + 5 {
            give(
                Class::Large,
                vec![0; Class::Large.bytes()].into_boxed_slice(),
            );
        }
        assert!(pooled_bytes() <= Class::Large.kept() * Class::Large.bytes());
    }

    #[test]
    fn the_smallest_class_that_holds_is_chosen() {
        assert_eq!(Class::holding(4096), Some(Class::Head));
        assert_eq!(Class::holding(4097), Some(Class::Small));
        assert_eq!(Class::holding(2 << 20), None);
    }
}
