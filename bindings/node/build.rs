//! Tells the linker what a Node addon may leave unresolved: Node-API itself comes from the host process.

fn main() {
    napi_build::setup();
}
