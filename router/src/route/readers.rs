//! Readers beside the writer: what stands throughout is found throughout.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use super::model::found;
use super::{Algorithm, Announcement, EmptyPools, Millis, RouteTable, TableWriter};

#[test]
fn a_reader_never_misses_a_route_that_stands() {
    let mut writer = TableWriter::of(RouteTable::with_shard_bits(1), Algorithm::RoundRobin);
    let table = writer.table();
    let standing = Announcement {
        host: "10.0.0.1",
        port: 1,
        ..Announcement::default()
    };
    let passing = Announcement {
        host: "10.0.0.2",
        port: 2,
        ..Announcement::default()
    };
    for uri in ["a.example.com/x/y", "*.example.com"] {
        writer.register(uri, &standing, Millis(0)).unwrap();
    }
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let mut finds = 0;
                while !done.load(Ordering::Relaxed) || finds == 0 {
                    let deep = table.find("a.example.com", "/x/y/q");
                    assert_eq!(found(&deep), Some(("a.example.com/x/y", true)));
                    let wild = table.find("unknown.example.com", "/");
                    assert_eq!(found(&wild), Some(("*.example.com", true)));
                    finds += 1;
                }
            });
        }
        let churning = [
            "a.example.com",
            "a.example.com/x",
            "a.example.com/x/y/z",
            "a.example.com/x/y",
            "*.example.com",
        ];
        for round in 0..4000 {
            let uri = churning[round % churning.len()];
            writer.register(uri, &passing, Millis(0)).unwrap();
            let _fate = writer
                .unregister(uri, &passing, EmptyPools::Remove, Millis(0))
                .unwrap();
        }
        done.store(true, Ordering::Relaxed);
    });
    writer.check_invariants();
}
