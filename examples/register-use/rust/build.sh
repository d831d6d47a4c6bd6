#!/bin/sh
# Builds pac-drivers.elf with Debian's rustc-web, cargo-web and rust-web-src 1.96 (bookworm-security),
# which always match each other, for a target that has no built standard library:
#   apt-get install rustc-web cargo-web rust-web-src gcc-arm-none-eabi
# RUSTC and CARGO may name theirs where they are unpacked elsewhere.
set -eu
cd "$(dirname "$0")"
out=${1:-..}
target=$(mktemp -d)
trap 'rm -rf "$target"' EXIT
sysroot=$("${RUSTC:-rustc}" --print sysroot)
flags="-C linker=arm-none-eabi-ld -C linker-flavor=ld -C link-arg=-T../cortex-m.ld"
flags="$flags -C link-arg=--defsym=flash=0 -C link-arg=--defsym=ram=0x20000000"
flags="$flags -C link-arg=--defsym=ram_size=0x4000 --remap-path-prefix=$PWD=."
library=$(readlink -f "$sysroot/lib/rustlib/src/rust")
flags="$flags --remap-path-prefix=$library=/rust --remap-path-prefix=$sysroot/lib/rustlib/src/rust=/rust"
RUSTC_BOOTSTRAP=1 RUSTFLAGS="$flags" CARGO_TARGET_DIR="$target" \
    "${CARGO:-cargo}" build --release --locked --target thumbv6m-none-eabi -Z build-std=core,panic_abort
cp "$target/thumbv6m-none-eabi/release/pac-drivers" "$out/pac-drivers.elf"
