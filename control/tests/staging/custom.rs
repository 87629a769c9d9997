//! Buildpacks from elsewhere: archives, repositories, several at once, their cache and hooks.

use std::path::Path;
use std::process::Command;

use control::wire::BuildpackLink;

use super::files::zip;
use super::scene::Scene;

const RELEASE: (&str, &str) = (
    "bin/release",
    "#!/bin/sh\necho 'default_process_types: {web: ./run}'\n",
);

#[tokio::test]
async fn several_buildpacks_supply_in_order_and_the_last_one_finishes() {
    let scene = Scene::new().await;
    let mut request = scene.request(&[("a", "x")]);
    let note = "#!/bin/sh\necho \"${0##*/} ${3##*/} $4 ${5##*/}\" >> \"$1/notes\"\n";
    let supply = [("bin/supply", note)];
    let whole = [
        ("top/bin/supply", note),
        (
            "top/bin/finalize",
            "#!/bin/sh\necho \"finalize $4 ${5##*/}\" >> \"$1/notes\"\n\
            printf 'processes:\\n- {type: web, command: ./web}\\n' > \"$3/$4/launch.yml\"\n",
        ),
    ];
    scene.with_buildpack(&mut request, "one", &supply);
    scene.with_buildpack(&mut request, "two", &supply);
    // The archive of a repository: everything in one directory.
    scene.with_buildpack(&mut request, "three", &whole);
    let answer = scene.stage(&request).await;
    assert_eq!(answer.error, None);
    assert_eq!(answer.process_types["web"], "./web");
    assert_eq!(answer.buildpacks.len(), 3);
    let notes = std::fs::read_to_string(scene.droplet().join("app/notes")).unwrap();
    let expected = "supply deps 0 \nsupply deps 1 \nsupply deps 2 \nfinalize 2 profile.d\n";
    assert_eq!(notes, expected);
    scene.end().await;
}

#[tokio::test]
async fn a_cache_lasts_from_one_build_to_the_next() {
    let scene = Scene::new().await;
    let mut request = scene.request(&[("a", "x")]);
    request.buildpack_cache_download_uri = scene.files.url("cache");
    request.buildpack_cache_upload_uri = scene.files.url("cache");
    let compile = "#!/bin/sh\necho build >> \"$2/count\"\nwc -l < \"$2/count\" > \"$1/count\"\n";
    scene.with_buildpack(&mut request, "bp", &[("bin/compile", compile), RELEASE]);
    for expected in ["1", "2"] {
        assert_eq!(scene.stage(&request).await.error, None);
        let count = std::fs::read_to_string(scene.droplet().join("app/count")).unwrap();
        assert_eq!(count.trim(), expected);
    }
    scene.end().await;
}

#[tokio::test]
async fn a_buildpack_is_fetched_once_and_again_when_it_was_uploaded_anew() {
    let scene = Scene::new().await;
    let mut request = scene.request(&[("a", "x")]);
    let compile = |word: &str| format!("#!/bin/sh\necho {word} > \"$1/made-by\"\n");
    let upload = |word: &str| {
        let files = [("bin/compile", compile(word).leak() as &str), RELEASE];
        scene.files.put("own.zip", zip(&files));
    };
    let made_by = || std::fs::read_to_string(scene.droplet().join("app/made-by")).unwrap();
    upload("first");
    for (signature, word, given) in [("a", "first", 1), ("b", "first", 1), ("c", "second", 2)] {
        if given == 2 {
            upload("second");
        }
        // The name stays; the address is signed anew each time.
        let url = scene.files.url(&format!("own.zip?signature={signature}"));
        let key = "own".to_owned();
        request.admin_buildpacks = vec![BuildpackLink { key, url }];
        request.properties.buildpacks = vec!["own".to_owned()];
        assert_eq!(scene.stage(&request).await.error, None);
        assert_eq!(
            (made_by().trim(), scene.files.given("own.zip")),
            (word, given)
        );
    }
    scene.end().await;
}

#[tokio::test]
async fn hooks_run_around_the_build_and_may_fail_where_they_say_so() {
    let scene = Scene::new().await;
    let hooks = "hooks:\n  pre-staging: ['echo before > order', '- false']\n  \
                 post-staging: echo after >> order\n";
    let mut request = scene.request(&[("stackato.yml", hooks)]);
    let compile = "#!/bin/sh\necho compile >> \"$1/order\"\n";
    scene.with_buildpack(&mut request, "bp", &[("bin/compile", compile), RELEASE]);
    assert_eq!(scene.stage(&request).await.error, None);
    let order = std::fs::read_to_string(scene.droplet().join("app/order")).unwrap();
    assert_eq!(order, "before\ncompile\nafter\n");
    scene.end().await;
}

#[tokio::test]
async fn a_repository_is_cloned_even_where_only_whole_clones_are_known() {
    let scene = Scene::new().await;
    let work = scene.dir.path().join("repo");
    std::fs::create_dir_all(work.join("bin")).unwrap();
    for (name, text) in [
        ("bin/compile", "#!/bin/sh\necho branch > \"$1/which\"\n"),
        RELEASE,
    ] {
        std::fs::write(work.join(name), text).unwrap();
    }
    git(&work, &["init", "-q", "-b", "v2"]);
    git(&work, &["add", "-A", "--chmod=+x", "."]);
    let author = ["-c", "user.name=a", "-c", "user.email=a@b"];
    git(&work, &[&author[..], &["commit", "-qm", "x"]].concat());
    git(&work, &["update-server-info"]);
    publish(&scene, &work.join(".git"), "bp.git");
    let mut request = scene.request(&[("a", "x")]);
    let address = format!("{}#v2", scene.files.url("bp.git"));
    request.properties.buildpack = Some(address);
    let answer = scene.stage(&request).await;
    assert_eq!(answer.error, None);
    assert!(scene.droplet().join("app/which").is_file());
    scene.end().await;
}

fn git(work: &Path, words: &[&str]) {
    let done = Command::new("git").arg("-C").arg(work).args(words).status();
    assert!(done.unwrap().success(), "git {words:?}");
}

fn publish(scene: &Scene, dir: &Path, path: &str) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let entry = entry.unwrap();
        let path = format!("{path}/{}", entry.file_name().to_string_lossy());
        if entry.path().is_dir() {
            publish(scene, &entry.path(), &path);
        } else {
            scene.files.put(&path, std::fs::read(entry.path()).unwrap());
        }
    }
}
