//! Several routers on one bus: whoever hears the same announcements has the same table.

use harness::bus::Bus;
use harness::endpoint::Endpoint;
use harness::router::Router;
use harness::wait::eventually;
use serde_json::Value;

/// The table of a router, with the endpoints of each route in one order.
fn table(router: &Router) -> Value {
    let mut table = router.table();
    for endpoints in table.as_object_mut().unwrap().values_mut() {
        let endpoints = endpoints.as_array_mut().unwrap();
        endpoints.sort_by_key(Value::to_string);
    }
    table
}

fn host(number: usize) -> String {
    format!("app-{number}.example.com")
}

/// Announces what stands: of forty routes, every fifth has one endpoint and the others have two.
fn announce(bus: &Bus, [one, two]: [&Endpoint; 2]) {
    for number in 0..40 {
        match number % 5 {
            0 => bus.register(&host(number), &[one]),
            _ => bus.register(&host(number), &[one, two]),
        }
    }
}

#[test]
fn routers_on_one_bus_have_identical_tables_whenever_they_began() {
    let (bus, one, two) = (
        Bus::start(),
        Endpoint::saying("one"),
        Endpoint::saying("two"),
    );
    let mut routers = vec![Router::start(&bus), Router::start(&bus)];
    announce(&bus, [&one, &two]);
    // What the third one never heard of must be gone from the others as well.
    bus.register("gone.example.com", &[&one]);
    bus.unregister("gone.example.com", &one);
    let mut starts = bus.listen("router.start");
    routers.push(Router::start(&bus));
    // Whoever announces says everything again for a router that begins.
    starts.message();
    announce(&bus, [&one, &two]);
    let identical = |routes: usize| {
        let tables: Vec<Value> = routers.iter().map(table).collect();
        let all = tables.iter().all(|table| *table == tables[0]);
        all && tables[0].as_object().unwrap().len() == routes
    };
    eventually("three tables are one", || identical(40));
    for number in (0..40).step_by(5) {
        bus.unregister(&host(number), &one);
    }
    eventually("a change is in all of them", || identical(32));
    for router in &routers {
        let mut client = router.connect();
        client.get(&host(1), "/");
        client.expect_status(200);
        client.get(&host(0), "/");
        client.expect_status(404);
    }
}
