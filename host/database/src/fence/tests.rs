use std::sync::atomic::{AtomicBool, AtomicUsize};

use super::*;
use crate::test_support::{TemporarySled, temporary_sled};

fn app() -> Mark {
    Mark::App("main".parse().unwrap(), "lab-viewer".parse().unwrap())
}

fn user() -> Mark {
    Mark::User("main".parse().unwrap(), "dr.rivera".parse().unwrap())
}

fn all_marks() -> Vec<Mark> {
    let tenant = || "main".parse().unwrap();
    vec![
        Mark::Tenant(tenant()),
        Mark::Publisher("northlake".parse().unwrap()),
        app(),
        Mark::Version(
            tenant(),
            "lab-viewer".parse().unwrap(),
            "1.2.3".parse().unwrap(),
        ),
        Mark::Client(tenant(), "demo-backend".parse().unwrap()),
        user(),
        Mark::Relations(tenant(), "dr.rivera".parse().unwrap()),
        Mark::Session("s-1_A".parse().unwrap()),
        Mark::Policy(tenant()),
    ]
}

async fn fence() -> (TemporarySled, Fence) {
    let store = temporary_sled();
    let fence = Fence::open(store.keyspace("fence")).await.unwrap();
    (store, fence)
}

#[test]
fn marks_and_what_is_held_print_and_read_back() {
    for mark in all_marks() {
        assert_eq!(mark.to_string().parse(), Ok(mark.clone()));
        for version in [None, Some(17)] {
            let held = Held {
                mark: mark.clone(),
                generation: 2,
                version,
            };
            assert_eq!(held.to_string().parse(), Ok(held));
        }
    }
    for text in [
        "",
        "tenant",
        "tenant/",
        "app/main",
        "app/main/a/b",
        "moon/main",
    ] {
        assert!(text.parse::<Mark>().is_err(), "{text}");
    }
    for text in [
        "tenant/main",
        "tenant/main 1",
        "tenant/main x -",
        "tenant/main 1 - 2",
    ] {
        assert!(text.parse::<Held>().is_err(), "{text}");
    }
}

#[tokio::test]
async fn revoking_any_mark_ends_the_call_and_refuses_the_next() {
    for mark in all_marks() {
        let (_store, fence) = fence().await;
        let held = fence.generations(&all_marks());
        let pass = fence.enter(&held).unwrap();
        assert_eq!(pass.release(|| 7), Ok(7));

        let ended = fence.revoke(mark.clone(), "unsafe").await.unwrap();
        assert_eq!(ended.calls, 1);
        let revoked = Revoked {
            mark,
            reason: "unsafe".to_owned(),
        };
        assert_eq!(pass.release(|| panic!("released")), Err(revoked.clone()));
        assert_eq!(pass.check(), Err(revoked.clone()));
        assert_eq!(fence.check(&held), Err(revoked.clone()));
        assert_eq!(fence.enter(&held).err(), Some(revoked));

        let fresh = fence.enter(&fence.generations(&all_marks())).unwrap();
        assert_eq!(fresh.release(|| 8), Ok(8));
    }
}

#[tokio::test]
async fn a_revocation_leaves_others_alone() {
    let (_store, fence) = fence().await;
    let pass = fence.enter(&fence.generations(&[app()])).unwrap();
    assert_eq!(fence.revoke(user(), "left").await.unwrap().calls, 0);
    assert_eq!(pass.release(|| 1), Ok(1));
}

#[tokio::test]
async fn generations_survive_a_restart() {
    let store = temporary_sled();
    let fence = Fence::open(store.keyspace("fence")).await.unwrap();
    let old = fence.generations(&[app(), user()]);
    fence.revoke(app(), "first").await.unwrap();
    fence.revoke(app(), "second").await.unwrap();
    let now = fence.generations(&[app()]);
    assert_eq!(now[0].generation, 2);
    let again = Fence::open(store.keyspace("fence")).await.unwrap();
    assert_eq!(again.generations(&[app()]), now);
    let revoked = Revoked {
        mark: app(),
        reason: "second".to_owned(),
    };
    assert_eq!(again.enter(&old).err(), Some(revoked));
    assert!(again.enter(&now).is_ok());
}

#[tokio::test]
async fn a_pass_says_so_in_every_way_when_it_is_revoked() {
    let (_store, fence) = fence().await;
    let pass = fence.enter(&fence.generations(&[app()])).unwrap();
    let clone = pass.clone();
    let told = Arc::new(AtomicUsize::new(0));
    let hook = |told: &Arc<AtomicUsize>| {
        let told = Arc::clone(told);
        move |_: &Revoked| {
            told.fetch_add(1, Ordering::SeqCst);
        }
    };
    pass.on_revoke(hook(&told));
    assert!(!pass.is_revoked() && !pass.cancellation().is_cancelled());
    let waiting = tokio::spawn(async move { clone.cancelled().await });
    fence.revoke(app(), "unsafe").await.unwrap();
    waiting.await.unwrap();
    assert!(pass.is_revoked() && pass.cancellation().is_cancelled());
    assert_eq!(told.load(Ordering::SeqCst), 1);
    pass.on_revoke(hook(&told));
    assert_eq!(told.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_dropped_pass_leaves_nothing_behind() {
    let (_store, fence) = fence().await;
    let held = fence.generations(&all_marks());
    let pass = fence.enter(&held).unwrap();
    let clone = pass.clone();
    drop(pass);
    assert_eq!(fence.inner.table.len(), held.len());
    drop(clone);
    assert_eq!(fence.inner.table.len(), 0);
    fence.revoke(user(), "left").await.unwrap();
    assert!(fence.enter(&held).is_err());
    assert_eq!(fence.inner.table.len(), 1, "only the generation is kept");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revocation_waits_for_the_buffer_that_is_being_handed_over() {
    let (_store, fence) = fence().await;
    let pass = fence.enter(&fence.generations(&[app()])).unwrap();
    let (began, started) = std::sync::mpsc::channel();
    let (go, may_go) = std::sync::mpsc::channel::<()>();
    let done = Arc::new(AtomicBool::new(false));
    let is_done = Arc::clone(&done);
    let releasing = std::thread::spawn(move || {
        let first = pass.release(|| {
            began.send(()).unwrap();
            may_go.recv().unwrap();
            is_done.store(true, Ordering::SeqCst);
        });
        (first.is_ok(), pass.release(|| ()).is_err())
    });
    started.recv().unwrap();
    let mut revoking = tokio::spawn({
        let fence = fence.clone();
        async move { fence.revoke(app(), "unsafe").await }
    });
    let early = tokio::time::timeout(Duration::from_millis(100), &mut revoking).await;
    assert!(early.is_err(), "it did not wait");
    go.send(()).unwrap();
    revoking.await.unwrap().unwrap();
    assert!(done.load(Ordering::SeqCst));
    assert_eq!(releasing.join().unwrap(), (true, true));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hand_over_that_does_not_end_is_no_confirmation() {
    let (_store, fence) = fence().await;
    let pass = fence.enter(&fence.generations(&[app()])).unwrap();
    let (began, started) = std::sync::mpsc::channel();
    let (go, may_go) = std::sync::mpsc::channel::<()>();
    let stuck = std::thread::spawn(move || {
        let _ = pass.release(|| {
            began.send(()).unwrap();
            may_go.recv().unwrap();
        });
    });
    started.recv().unwrap();
    let refused = fence.revoke(app(), "unsafe").await;
    assert!(
        matches!(refused, Err(FenceError::StillReleasing { calls: 1, .. })),
        "{refused:?}"
    );
    go.send(()).unwrap();
    stuck.join().unwrap();
}

#[tokio::test]
async fn a_hand_over_that_panics_does_not_hold_up_a_revocation() {
    let (_store, fence) = fence().await;
    let pass = fence.enter(&fence.generations(&[app()])).unwrap();
    let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        pass.release(|| panic!("a transport that fails"))
    }));
    assert!(caught.is_err());
    fence.revoke(app(), "unsafe").await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_the_answer_nothing_old_is_released_under_load() {
    let (_store, fence) = fence().await;
    // the lowest generation that may still be released
    let floor = AtomicU64::new(0);
    let stop = AtomicBool::new(false);
    let released = AtomicUsize::new(0);
    let too_late = AtomicUsize::new(0);
    let refused = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| {
                while !stop.load(Ordering::SeqCst) {
                    let held = fence.generations(&[user(), app()]);
                    let Ok(pass) = fence.enter(&held) else {
                        refused.fetch_add(1, Ordering::SeqCst);
                        continue;
                    };
                    for _ in 0..50 {
                        let done = pass.release(|| {
                            let generation = held[1].generation;
                            if generation < floor.load(Ordering::SeqCst) {
                                too_late.fetch_add(1, Ordering::SeqCst);
                            }
                            released.fetch_add(1, Ordering::SeqCst);
                        });
                        if done.is_err() {
                            refused.fetch_add(1, Ordering::SeqCst);
                            break;
                        }
                    }
                }
            });
        }
        tokio::task::block_in_place(|| {
            tokio::runtime::Handle::current().block_on(async {
                for generation in 1..=100 {
                    fence.revoke(app(), "again").await.unwrap();
                    floor.store(generation, Ordering::SeqCst);
                }
            });
        });
        stop.store(true, Ordering::SeqCst);
    });
    assert_eq!(too_late.load(Ordering::SeqCst), 0);
    assert!(
        released.load(Ordering::SeqCst) > 1_000,
        "nothing was tested"
    );
    assert!(refused.load(Ordering::SeqCst) > 10, "nothing was revoked");
    assert_eq!(fence.generations(&[app()])[0].generation, 100);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn revocations_of_one_mark_at_once_all_count() {
    let (_store, fence) = fence().await;
    let mut revokers = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let fence = fence.clone();
        revokers.spawn(async move { fence.revoke(app(), "at once").await.unwrap() });
    }
    revokers.join_all().await;
    assert_eq!(fence.generations(&[app()])[0].generation, 8);
}

#[tokio::test]
async fn a_revocation_goes_on_when_its_asker_goes_away() {
    let (_store, fence) = fence().await;
    let pass = fence.enter(&fence.generations(&[app()])).unwrap();
    let asked = fence.revoke(app(), "unsafe");
    // polled once, then dropped
    tokio::select! {
        biased;
        answered = asked => panic!("answered at once: {answered:?}"),
        () = std::future::ready(()) => {}
    }
    tokio::time::timeout(Duration::from_secs(5), pass.cancelled())
        .await
        .unwrap();
    assert!(fence.enter(pass.held()).is_err());
}

#[tokio::test]
async fn another_node_hears_of_it_and_ends_its_calls() {
    let (store, fence) = fence().await;
    let other = Fence::open(store.keyspace("fence")).await.unwrap();
    let held = other.generations(&[app(), user()]);
    let pass = other.enter(&held).unwrap();
    fence.revoke(app(), "unsafe").await.unwrap();
    tokio::time::timeout(Duration::from_secs(5), pass.cancelled())
        .await
        .unwrap();
    assert_eq!(pass.check().unwrap_err().reason, "unsafe");
    assert!(other.enter(&held).is_err());
    assert_eq!(other.generations(&[app()]), fence.generations(&[app()]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_goes_away_as_soon_as_it_is_ended_is_counted() {
    // Whoever follows the hints may end it before the revoker comes to it.
    let (_store, fence) = fence().await;
    for round in 0..200 {
        let pass = fence.enter(&fence.generations(&[app()])).unwrap();
        let running = tokio::spawn(async move { pass.cancelled().await });
        let ended = fence.revoke(app(), "unsafe").await.unwrap();
        running.await.unwrap();
        assert_eq!(ended.calls, 1, "round {round}");
    }
}

#[tokio::test]
async fn a_write_commits_only_under_its_generations() {
    let (store, fence) = fence().await;
    fence.revoke(user(), "moved").await.unwrap();
    let held = fence.generations(&[app(), user()]);
    assert!(held[0].version.is_none() && held[1].version.is_some());
    let write = |held: &[Held]| {
        let batch = Batch::new().put("resource", "bytes", Expect::Any);
        let checks = fence.check_operations(held);
        checks
            .into_iter()
            .fold(batch, |batch, (key, expect)| batch.check(key, expect))
    };
    let commit = |batch| async {
        store
            .records()
            .commit(batch, Durability::Relaxed)
            .await
            .unwrap()
    };
    assert!(commit(write(&held)).await.is_ok());
    fence.revoke(app(), "unsafe").await.unwrap();
    assert!(commit(write(&held)).await.is_err());
    let held = fence.generations(&[app(), user()]);
    assert!(commit(write(&held)).await.is_ok());
    fence.revoke(user(), "moved again").await.unwrap();
    assert!(commit(write(&held)).await.is_err());
}

#[tokio::test]
async fn entering_takes_microseconds() {
    let (_store, fence) = fence().await;
    let held = fence.generations(&all_marks());
    let rounds = 10_000;
    let began = Instant::now();
    for _ in 0..rounds {
        fence.enter(&held).unwrap().release(|| ()).unwrap();
    }
    let micros = began.elapsed().as_micros() as f64 / f64::from(rounds);
    println!("{micros:.2} µs to enter under nine marks, release and leave");
    assert!(micros < 500.0, "{micros} µs");
}
