//! App storage as guests meet it.

use glovebox_gateway::Session;

use super::*;

const KEY: i32 = 4096;
const VALUE: i32 = 64 << 10;

/// Shows its screen if the answer at [`SCRATCH`] plus `offset` is zero, else refuses.
fn screen_if_zero(offset: u64) -> Vec<Instruction<'static>> {
    vec![
        Instruction::I32Const(REFUSAL),
        Instruction::I32Const(SCREEN),
        Instruction::I32Const(SCRATCH),
        Instruction::I32Load8U(wasm_encoder::MemArg {
            offset,
            align: 0,
            memory_index: 0,
        }),
        Instruction::Select,
    ]
}

/// `open` stores `bytes` bytes under the key `k` and shows its screen if that was done.
fn setting(bytes: i32) -> Vec<u8> {
    let mut open: Vec<_> = [KEY, 1, VALUE, bytes, SCRATCH]
        .into_iter()
        .map(Instruction::I32Const)
        .collect();
    open.push(Instruction::Call(0));
    open.extend(screen_if_zero(0));
    Guest {
        imports: vec![(
            "glovebox:host/storage",
            "set",
            vec![ValType::I32; 5],
            vec![],
        )],
        open,
        data: vec![(KEY, b"k".to_vec())],
        ..Guest::default()
    }
    .build()
}

/// `open` shows its screen if the key `k` holds nothing.
fn finding_nothing() -> Vec<u8> {
    let mut open: Vec<_> = [KEY, 1, SCRATCH]
        .into_iter()
        .map(Instruction::I32Const)
        .collect();
    open.push(Instruction::Call(0));
    // the option follows the result's case, aligned to eight bytes
    open.extend(screen_if_zero(8));
    Guest {
        imports: vec![(
            "glovebox:host/storage",
            "get",
            vec![ValType::I32; 3],
            vec![],
        )],
        open,
        data: vec![(KEY, b"k".to_vec())],
        ..Guest::default()
    }
    .build()
}

#[tokio::test]
async fn a_quota_is_exact() {
    let mut house = House::new().await;
    house.limits.storage_bytes_max = 101;
    assert!(
        house.open(&setting(100)).await.is_ok(),
        "the key counts one byte"
    );
    assert!(
        house.open(&setting(100)).await.is_ok(),
        "writing again is not more"
    );
    assert!(house.open(&setting(101)).await.is_err());
    house.limits.storage_value_bytes_max = 50;
    assert!(house.open(&setting(51)).await.is_err());
    assert_eq!(house.entries("storage"), ["set ok", "set ok"]);
}

#[tokio::test]
async fn storage_that_was_not_approved_is_refused() {
    let house = House::new().await;
    let mut launch = house.launch(&setting(1)).await;
    launch.storage_granted = false;
    assert_eq!(
        house.screens.open(launch).await.unwrap_err().code(),
        "app-message"
    );
}

#[tokio::test]
async fn each_app_user_and_patient_has_a_space_of_its_own() {
    let house = House::new().await;
    house.open(&setting(10)).await.unwrap();
    let nothing = finding_nothing();
    assert!(
        house.open(&nothing).await.is_err(),
        "what was stored is not found"
    );
    for (name, change) in [
        (
            "patient",
            (|session| session.patient = Some("tom-rossi".parse().unwrap())) as fn(&mut Session),
        ),
        ("no patient", |session| session.patient = None),
        ("user", |session| {
            session.user = Some("nurse.okafor".parse().unwrap())
        }),
        ("app", |session| {
            session.subject.app = Some("other-app".parse().unwrap())
        }),
    ] {
        let mut launch = house.launch(&nothing).await;
        change(&mut launch.session);
        assert!(
            house.screens.open(launch).await.is_ok(),
            "seen by another {name}"
        );
    }
}
