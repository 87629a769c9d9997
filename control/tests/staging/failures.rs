//! Builds that fail: whose fault it is, and what their owner is told.

use std::path::PathBuf;

use control::wire::{StagingErrorInfo, StagingErrorKind, StagingRequest, StagingStop};

use super::scene::{Begun, Scene};

async fn failure(scene: &Scene, request: &StagingRequest) -> StagingErrorInfo {
    let answer = scene.stage(request).await;
    assert!(answer.process_types.is_empty() && answer.sha256.is_none());
    assert!(scene.files.get("droplet").is_none());
    answer.failure().expect("the build fails")
}

fn holds(failure: &StagingErrorInfo, parts: &[&str]) {
    for part in parts {
        assert!(
            failure.message.contains(part),
            "{part}: {}",
            failure.message
        );
    }
}

#[tokio::test]
async fn an_application_that_nobody_wants_is_told_who_was_asked_and_what_was_seen() {
    let mut scene = Scene::new().await;
    let failed = failure(&scene, &scene.request(&[("main.c", "x"), ("lib/x", "")])).await;
    assert_eq!(failed.kind, StagingErrorKind::Detect);
    holds(
        &failed,
        &[
            "An app was not successfully detected by any available buildpack",
            "static, node, python, procfile",
            "lib, main.c",
        ],
    );
    scene
        .lines_until("An app was not successfully detected")
        .await;
    scene.end().await;
}

#[tokio::test]
async fn a_failed_compile_shows_phase_limits_and_the_last_lines() {
    let scene = Scene::new().await;
    let mut request = scene.request(&[("a", "x")]);
    let compile =
        "#!/bin/sh\nfor n in $(seq 20); do echo line $n; done\necho no compiler >&2\nexit 3\n";
    scene.with_buildpack(&mut request, "bp", &[("bin/compile", compile)]);
    let failed = failure(&scene, &request).await;
    assert_eq!(failed.kind, StagingErrorKind::Compile);
    holds(
        &failed,
        &[
            "App staging failed in the buildpack compile phase",
            "compile of http://",
            "memory 1024 MB, disk 2048 MB, 900 s",
            "line 12\n",
            "no compiler",
        ],
    );
    assert!(!failed.message.contains("line 11\n"));
    scene.end().await;
}

#[tokio::test]
async fn a_release_that_prints_no_yaml_is_the_buildpacks_fault() {
    let scene = Scene::new().await;
    let mut request = scene.request(&[("a", "x")]);
    let files = [
        ("bin/compile", "#!/bin/sh\n"),
        ("bin/release", "#!/bin/sh\necho '{['\n"),
    ];
    scene.with_buildpack(&mut request, "bp", &files);
    let failed = failure(&scene, &request).await;
    assert_eq!(failed.kind, StagingErrorKind::Release);
    holds(&failed, &["invalid YAML in the output of release"]);
    scene.end().await;
}

#[tokio::test]
async fn a_malformed_procfile_is_named() {
    let scene = Scene::new().await;
    let failed = failure(&scene, &scene.request(&[("Procfile", "web: [\n")])).await;
    assert_eq!(failed.kind, StagingErrorKind::Staging);
    holds(&failed, &["invalid YAML in Procfile"]);
    scene.end().await;
}

#[tokio::test]
async fn a_package_that_leads_out_is_refused() {
    let scene = Scene::new().await;
    let failed = failure(&scene, &scene.request(&[("../../evil", "x")])).await;
    assert_eq!(failed.kind, StagingErrorKind::Staging);
    holds(&failed, &["../../evil", "phase: unpacking"]);
    scene.end().await;
}

#[tokio::test]
async fn a_package_that_is_gone_or_no_archive_says_so() {
    let scene = Scene::new().await;
    let mut request = scene.request(&[]);
    request.download_uri = scene.files.url("nowhere");
    holds(&failure(&scene, &request).await, &["the package is gone"]);
    let request = scene.request(&[]);
    scene.files.put("package", b"hello".to_vec());
    holds(&failure(&scene, &request).await, &["no valid zip archive"]);
    scene.end().await;
}

#[tokio::test]
async fn an_unknown_buildpack_is_told_which_there_are() {
    let scene = Scene::new().await;
    let mut request = scene.request(&[("a", "x")]);
    request.properties.buildpacks = vec!["cobol".to_owned()];
    holds(
        &failure(&scene, &request).await,
        &["`cobol`", "static, node, python, procfile"],
    );
    scene.end().await;
}

#[tokio::test]
async fn a_build_that_takes_too_long_is_ended() {
    let scene = Scene::new().await;
    let mut request = scene.request(&[("a", "x")]);
    request.timeout = Some(1);
    scene.with_buildpack(
        &mut request,
        "bp",
        &[("bin/compile", "#!/bin/sh\nexec sleep 1000\n")],
    );
    let failed = failure(&scene, &request).await;
    holds(&failed, &["not done within 1 s"]);
    scene.end().await;
}

/// A build that waits in its compile phase until the file is there, and then fails.
async fn waiting(scene: &mut Scene) -> (StagingRequest, Begun, PathBuf) {
    let mut request = scene.request(&[("a", "x")]);
    let go = scene.dir.path().join("go");
    let compile = format!(
        "#!/bin/sh\necho waiting\nuntil [ -e {} ]; do sleep 0.05; done\nexit 3\n",
        go.display()
    );
    scene.with_buildpack(&mut request, "bp", &[("bin/compile", &compile)]);
    let mut begun = scene.begin(&request).await;
    assert_eq!(begun.answer().await.error, None);
    scene.lines_until("waiting").await;
    (request, begun, go)
}

#[tokio::test]
async fn a_build_can_be_told_to_stop_and_gives_its_room_back() {
    let mut scene = Scene::new().await;
    let (request, mut begun, _go) = waiting(&mut scene).await;
    assert_eq!(scene.admission.free().memory_mb, 3072);
    let stop = StagingStop {
        app_id: "app-1".to_owned(),
        task_id: Some(request.task_id.clone()),
        agent: None,
    };
    scene.say(&stop).await;
    holds(
        &begun.answer().await.failure().unwrap(),
        &["it was told to stop"],
    );
    scene.end().await;
}

#[tokio::test]
async fn an_order_to_end_another_build_leaves_this_one_alone() {
    let mut scene = Scene::new().await;
    let (_request, mut begun, go) = waiting(&mut scene).await;
    let all = StagingStop {
        app_id: "app-1".to_owned(),
        ..StagingStop::default()
    };
    let before = StagingStop {
        task_id: Some("the-build-before".to_owned()),
        ..all.clone()
    };
    let elsewhere = StagingStop {
        agent: Some("1-other".to_owned()),
        ..all
    };
    for stop in [before, elsewhere] {
        scene.say(&stop).await;
    }
    // Its answer shows that it has read the orders.
    scene.heard_by_the_stager().await;
    std::fs::write(&go, "").unwrap();
    let failed = begun.answer().await.failure().unwrap();
    assert_eq!(failed.kind, StagingErrorKind::Compile);
    scene.end().await;
}

#[tokio::test]
async fn a_controller_that_asks_for_a_build_that_goes_on_gets_its_outcome() {
    let mut scene = Scene::new().await;
    let (request, begun, go) = waiting(&mut scene).await;
    drop(begun);
    let mut again = scene.begin(&request).await;
    assert_eq!(again.answer().await.error, None);
    assert_eq!(scene.admission.free().memory_mb, 3072);
    std::fs::write(&go, "").unwrap();
    let failed = again.answer().await.failure().unwrap();
    assert_eq!(failed.kind, StagingErrorKind::Compile);
    scene.end().await;
}

#[tokio::test]
async fn a_build_that_does_not_fit_is_refused_at_once() {
    let scene = Scene::new().await;
    let mut request = scene.request(&[("a", "x")]);
    request.properties.limits.memory = 5000;
    let answer = scene.begin(&request).await.answer().await;
    let failed = answer.failure().unwrap();
    holds(
        &failed,
        &[
            "Not enough memory resource available",
            "5000 MB wanted, 4096 MB free",
        ],
    );
    scene.end().await;
}
