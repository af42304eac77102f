use wasm_encoder::{
    CodeSection, ConstExpr, ElementSection, Elements, EntityType, Function, FunctionSection,
    ImportSection, Instruction, MemorySection, MemoryType, Module, RefType, TableSection,
    TableType, TagKind, TagSection, TagType, TypeSection, ValType,
};

use super::*;
use crate::house::small;

fn memory(minimum: u64) -> MemoryType {
    MemoryType {
        minimum,
        maximum: None,
        memory64: false,
        shared: false,
        page_size_log2: None,
    }
}

fn with_memories(memories: &[MemoryType]) -> Vec<u8> {
    let mut section = MemorySection::new();
    for memory in memories {
        section.memory(*memory);
    }
    Module::new().section(&section).clone().finish()
}

fn with_body(body: &[Instruction<'_>]) -> Vec<u8> {
    let (mut types, mut functions, mut code) = (
        TypeSection::new(),
        FunctionSection::new(),
        CodeSection::new(),
    );
    types.ty().function([], []);
    functions.function(0);
    let mut function = Function::new([]);
    for instruction in body {
        function.instruction(instruction);
    }
    function.instruction(&Instruction::End);
    code.function(&function);
    let mut memories = MemorySection::new();
    memories.memory(memory(1));
    Module::new()
        .section(&types)
        .section(&functions)
        .section(&memories)
        .section(&code)
        .clone()
        .finish()
}

fn refused_modules() -> Vec<(&'static str, Vec<u8>)> {
    let mut tags = TagSection::new();
    tags.tag(TagType {
        kind: TagKind::Exception,
        func_type_idx: 0,
    });
    let mut types = TypeSection::new();
    types.ty().function([], []);
    let exceptions = Module::new()
        .section(&types)
        .section(&tags)
        .clone()
        .finish();
    let mut structs = TypeSection::new();
    structs.ty().struct_([]);
    let gc = Module::new().section(&structs).clone().finish();
    let mut references = TypeSection::new();
    references.ty().function(
        [ValType::Ref(RefType {
            nullable: false,
            heap_type: wasm_encoder::HeapType::FUNC,
        })],
        [],
    );
    vec![
        (
            "shared memory",
            with_memories(&[MemoryType {
                maximum: Some(2),
                shared: true,
                ..memory(1)
            }]),
        ),
        (
            "memory64",
            with_memories(&[MemoryType {
                memory64: true,
                ..memory(1)
            }]),
        ),
        ("multi-memory", with_memories(&[memory(1), memory(1)])),
        (
            "custom page size",
            with_memories(&[MemoryType {
                page_size_log2: Some(0),
                ..memory(1)
            }]),
        ),
        ("tail call", with_body(&[Instruction::ReturnCall(0)])),
        ("atomics", with_body(&[Instruction::AtomicFence])),
        (
            "relaxed simd",
            with_body(&[
                Instruction::V128Const(0),
                Instruction::V128Const(0),
                Instruction::I8x16RelaxedSwizzle,
                Instruction::Drop,
            ]),
        ),
        (
            "wide arithmetic",
            with_body(&[
                Instruction::I64Const(1),
                Instruction::I64Const(1),
                Instruction::I64MulWideS,
                Instruction::Drop,
                Instruction::Drop,
            ]),
        ),
        ("exceptions", exceptions),
        ("gc", gc),
        (
            "function references",
            Module::new().section(&references).clone().finish(),
        ),
    ]
}

#[test]
fn proposals_that_no_app_needs_are_refused() {
    let engine = Engine::new(&config()).unwrap();
    for (name, module) in refused_modules() {
        assert!(
            wasmtime::Module::from_binary(&engine, &module).is_err(),
            "{name} is accepted"
        );
    }
}

#[test]
fn what_rust_emits_is_accepted() {
    let engine = Engine::new(&config()).unwrap();
    let (mut tables, mut elements) = (TableSection::new(), ElementSection::new());
    tables.table(TableType {
        element_type: RefType::FUNCREF,
        table64: false,
        minimum: 1,
        maximum: None,
        shared: false,
    });
    elements.active(
        None,
        &ConstExpr::i32_const(0),
        Elements::Functions([].as_slice().into()),
    );
    let mut types = TypeSection::new();
    types.ty().function([], []);
    let mut imports = ImportSection::new();
    imports.import("a", "b", EntityType::Function(0));
    let module = Module::new()
        .section(&types)
        .section(&imports)
        .section(&tables)
        .section(&elements)
        .clone()
        .finish();
    assert!(wasmtime::Module::from_binary(&engine, &module).is_ok());
    assert!(
        wasmtime::Module::from_binary(
            &engine,
            &with_body(&[
                Instruction::I32Const(0),
                Instruction::I32Extend8S,
                Instruction::Drop,
                Instruction::I32Const(0),
                Instruction::I32Const(0),
                Instruction::I32Const(0),
                Instruction::MemoryFill(0),
            ])
        )
        .is_ok()
    );
}

#[test]
fn the_list_of_refused_proposals_is_complete_and_stable() {
    let names: Vec<_> = REFUSED_PROPOSALS.iter().map(|(name, _)| *name).collect();
    assert_eq!(
        names.join(" "),
        "threads shared-everything-threads gc-types gc function-references exceptions legacy-exceptions \
         tail-call memory64 multi-memory relaxed-simd stack-switching custom-page-sizes wide-arithmetic \
         component-async component-threading component-error-context component-gc component-map component-64 \
         component-fixed-length-lists component-implements"
    );
}

#[test]
fn the_ticker_beats_and_a_silent_one_is_noticed() {
    let sandbox = SandboxEngine::new(&small()).unwrap();
    let beat = || sandbox.heartbeat.last_us.load(Ordering::Relaxed);
    let (first, patience) = (beat(), Instant::now() + crate::house::PATIENCE);
    while beat() == first {
        assert!(Instant::now() < patience, "the ticker does not beat");
        std::thread::yield_now();
    }
    assert!(sandbox.is_ticking());
    let silent = Heartbeat {
        start: Instant::now() - 2 * HEARTBEAT_STALE_AFTER,
        last_us: AtomicU64::new(1),
    };
    assert!(silent.is_stale());
}

#[test]
fn memory_is_pooled_or_on_demand_as_set() {
    assert!(
        !SandboxEngine::new(&RuntimeSettings {
            pooling: false,
            ..small()
        })
        .unwrap()
        .is_pooling()
    );
    assert!(SandboxEngine::new(&small()).unwrap().is_pooling());
}
