//! The compiled core of the field has no conditional jump: read from the assembly, at every level we build with.

use std::process::Command;
use std::{env, fs};

/// The conditional jumps in assembly text, for the two processors that Shroud is built on.
fn conditional_jumps(assembly: &str) -> Vec<&str> {
    let instructions = assembly.lines().map(str::trim).filter(|line| !line.starts_with('.'));
    instructions.filter(|line| is_conditional(line.split_whitespace().next().unwrap_or(""))).collect()
}

fn is_conditional(mnemonic: &str) -> bool {
    if cfg!(target_arch = "x86_64") {
        return mnemonic.starts_with('j') && !mnemonic.starts_with("jmp") || mnemonic.starts_with("loop");
    }
    mnemonic.starts_with("b.") || ["cbz", "cbnz", "tbz", "tbnz"].contains(&mnemonic)
}

/// Compiles `source` as a library and gives its assembly.
fn assembly(name: &str, source: &str, level: &str) -> String {
    let folder = env::temp_dir().join(format!("shroud-branch-free-{}-{name}-{level}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let (input, output) = (folder.join("core.rs"), folder.join("core.s"));
    fs::write(&input, source).unwrap();
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let arguments = ["--edition=2024", "--crate-type=lib", "--emit=asm", "-Cdebuginfo=0"];
    let mut compiler = Command::new(rustc);
    compiler.args(arguments).arg(format!("-Copt-level={level}")).arg("-o").args([&output, &input]);
    let outcome = compiler.output().unwrap();
    assert!(outcome.status.success(), "{}", String::from_utf8_lossy(&outcome.stderr));
    let assembly = fs::read_to_string(&output).unwrap();
    fs::remove_dir_all(&folder).unwrap();
    assembly
}

/// The core as it stands, with its functions made visible so that they are compiled.
fn core() -> String {
    include_str!("../../src/gf256.rs").replace("pub(crate) fn", "pub fn").replace("//!", "//")
}

#[test]
fn branch_free_core() {
    for level in ["1", "2", "3", "s"] {
        let assembly = assembly("core", &core(), level);
        for function in ["multiply", "invert", "weighted_sum"] {
            assert!(assembly.contains(function), "{function} was not compiled");
        }
        assert_eq!(conditional_jumps(&assembly), Vec::<&str>::new(), "at level {level}");
    }
}

/// No table either: a load that is indexed by a secret needs one. The few constants are masks of the vector unit.
#[test]
fn table_free_core() {
    for level in ["1", "2", "3", "s"] {
        let assembly = assembly("tables", &core(), level);
        let data = [".byte", ".short", ".long", ".quad", ".ascii", ".asciz", ".zero"];
        let words = assembly.lines().filter_map(|line| line.split_whitespace().next());
        assert!(words.filter(|word| data.contains(word)).count() <= 8, "at level {level}");
    }
}

/// The scanner does see a branch where there is one.
#[test]
fn branch_free_scanner_sees_a_branch() {
    let branching =
        "#[inline(never)] pub fn inverse(x: u8, f: fn(u8) -> u8) -> u8 { if x == 0 { 0 } else { f(x) } }";
    assert_ne!(conditional_jumps(&assembly("planted", branching, "3")), Vec::<&str>::new());
}
