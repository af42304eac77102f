//! Guests for tests, written instruction by instruction: they behave as no compiler would
//! let them.

use wasm_encoder::{
    CodeSection, ConstExpr, DataSection, EntityType, ExportKind, ExportSection, Function,
    FunctionSection, GlobalSection, GlobalType, ImportSection, Instruction, MemorySection,
    MemoryType, Module, StartSection, TypeSection, ValType,
};
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

/// Where a guest keeps an answer that is a screen with the title `Ready`.
pub(crate) const SCREEN: i32 = 1024;
/// Where a guest keeps the answer `message("no")`.
pub(crate) const REFUSAL: i32 = 1536;
/// Where a guest may have results written to.
pub(crate) const SCRATCH: i32 = 2048;
/// First address that `cabi_realloc` hands out.
const HEAP: i32 = 8192;

/// A screen app in the making.
pub(crate) struct Guest {
    /// Interface, function and core signature of each import; called by position.
    pub(crate) imports: Vec<(&'static str, &'static str, Vec<ValType>, Vec<ValType>)>,
    /// Body of `open`; must leave the address of the answer.
    pub(crate) open: Vec<Instruction<'static>>,
    /// Body of `handle`; as `open`.
    pub(crate) handle: Vec<Instruction<'static>>,
    /// Body of a start function.
    pub(crate) start: Option<Vec<Instruction<'static>>>,
    /// Pages of memory at first.
    pub(crate) pages: u64,
    /// More data: address and bytes.
    pub(crate) data: Vec<(i32, Vec<u8>)>,
}

impl Default for Guest {
    fn default() -> Self {
        let answer = vec![Instruction::I32Const(SCREEN)];
        Self {
            imports: Vec::new(),
            open: answer.clone(),
            handle: answer,
            start: None,
            pages: 16,
            data: Vec::new(),
        }
    }
}

/// `loop {}`.
pub(crate) fn forever() -> Vec<Instruction<'static>> {
    vec![
        Instruction::Loop(wasm_encoder::BlockType::Empty),
        Instruction::Br(0),
        Instruction::End,
        Instruction::Unreachable,
    ]
}

impl Guest {
    /// The component.
    pub(crate) fn build(self) -> Vec<u8> {
        let mut module = self.module();
        let mut resolve = Resolve::default();
        let (package, _) = resolve
            .push_path(concat!(env!("CARGO_MANIFEST_DIR"), "/../../wit"))
            .unwrap();
        let world = resolve
            .select_world(&[package], Some("screen-app"))
            .unwrap();
        embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).unwrap();
        ComponentEncoder::default()
            .validate(true)
            .module(&module)
            .unwrap()
            .encode()
            .unwrap()
    }

    fn module(self) -> Vec<u8> {
        use ValType::I32;
        let mut types = TypeSection::new();
        types.ty().function([], [I32]);
        types.ty().function([I32; 7], [I32]);
        types.ty().function([I32; 4], [I32]);
        types.ty().function([], []);
        let mut imports = ImportSection::new();
        for (position, (interface, name, params, results)) in (0_u32..).zip(&self.imports) {
            types.ty().function(params.clone(), results.clone());
            imports.import(
                &format!("{interface}@0.1.0"),
                name,
                EntityType::Function(4 + position),
            );
        }
        let first = u32::try_from(self.imports.len()).unwrap();
        let mut functions = FunctionSection::new();
        let (mut code, mut exports) = (CodeSection::new(), ExportSection::new());
        let mut define = |ty: u32, body: &[Instruction<'static>]| {
            functions.function(ty);
            let mut function = Function::new([]);
            for instruction in body {
                function.instruction(instruction);
            }
            function.instruction(&Instruction::End);
            code.function(&function);
        };
        define(0, &self.open);
        define(1, &self.handle);
        define(2, &bump());
        if let Some(start) = &self.start {
            define(3, start);
        }
        for (position, name) in (first..).zip([
            "glovebox:app/screen@0.1.0#open",
            "glovebox:app/screen@0.1.0#handle",
            "cabi_realloc",
        ]) {
            exports.export(name, ExportKind::Func, position);
        }
        exports.export("memory", ExportKind::Memory, 0);
        let mut memories = MemorySection::new();
        memories.memory(MemoryType {
            minimum: self.pages,
            maximum: None,
            memory64: false,
            shared: false,
            page_size_log2: None,
        });
        let mut globals = GlobalSection::new();
        let heap = GlobalType {
            val_type: I32,
            mutable: true,
            shared: false,
        };
        globals.global(heap, &ConstExpr::i32_const(HEAP));
        let mut data = DataSection::new();
        let mut put = |at: i32, bytes: Vec<u8>| {
            data.active(0, &ConstExpr::i32_const(at), bytes);
        };
        put(
            SCREEN,
            words(&[0, SCREEN + 64, 5, 8, 0, 8, 0, 8, 0, SCREEN + 64, 5]),
        );
        put(SCREEN + 64, b"Ready".to_vec());
        put(REFUSAL, words(&[1, 0, REFUSAL + 64, 2]));
        put(REFUSAL + 64, b"no".to_vec());
        for (at, bytes) in self.data {
            put(at, bytes);
        }
        let mut module = Module::new();
        module
            .section(&types)
            .section(&imports)
            .section(&functions)
            .section(&memories);
        module.section(&globals).section(&exports);
        if self.start.is_some() {
            module.section(&StartSection {
                function_index: first + 3,
            });
        }
        module.section(&code).section(&data);
        module.finish()
    }
}

/// Little-endian words, as the canonical ABI lays out records of words.
pub(crate) fn words(words: &[i32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

/// Hands out memory and never takes it back.
fn bump() -> Vec<Instruction<'static>> {
    vec![
        Instruction::GlobalGet(0),
        Instruction::I32Const(7),
        Instruction::I32Add,
        Instruction::I32Const(-8),
        Instruction::I32And,
        Instruction::GlobalSet(0),
        Instruction::GlobalGet(0),
        Instruction::GlobalGet(0),
        Instruction::LocalGet(3),
        Instruction::I32Add,
        Instruction::GlobalSet(0),
    ]
}
