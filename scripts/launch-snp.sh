#!/usr/bin/env bash
# Launches a published Shroud release as an SEV-SNP guest, or says in one line each what the host lacks.
#
# It trusts only the operators' keys that it is given: `shroud measure release check` verifies the manifest's
# signatures, the files, the measurement and the ID block before QEMU sees any of them. Whoever verifies the guest
# trusts none of this; the script keeps an operator from launching what verifiers would refuse.
set -euo pipefail

usage() {
    cat <<'TEXT'
usage: scripts/launch-snp.sh --release MANIFEST --operators FILE --configuration FILE [options]

  --release MANIFEST    the signed manifest; its files lie beside it
  --operators FILE      whose signatures count: {"threshold": k, "keys": [{"name": …, "ed25519": hex}]}
  --configuration FILE  the deployment's configuration; its SHA-256 becomes HOST_DATA
  --vcpus N             how many vCPUs (1)
  --vcpu-type NAME      which, by QEMU's name (EPYC-Genoa); the release must have been measured with it
  --cid N               the guest's vsock address (16)
  --cbitpos N           the place of the C-bit, from CPUID 8000001F EBX (51)
  --qemu PROGRAM        (qemu-system-x86_64)
  --shroud PROGRAM      (shroud)
  --dry-run             check, print the exact command and the measurement to expect, launch nothing

Exit status: 0 launched (or the dry run is complete), 1 something is missing, 2 usage.
TEXT
}

release='' operators='' configuration='' dry_run=''
vcpus=1 vcpu_type=EPYC-Genoa cid=16 cbitpos=51
qemu=qemu-system-x86_64 shroud=shroud

# The oldest QEMU that has sev-snp-guest.
qemu_floor=9.1
# Where the host's /dev, /proc and /sys are; tests point elsewhere.
root=${SHROUD_HOST_ROOT:-}

# What the host lacks, and what the launch lacks: a dry run needs the latter only.
host_lacks=0 launch_lacks=0
say_missing() { printf 'missing: %s; to mend it: %s\n' "$1" "$2" >&2; }
missing_on_host() { # WHAT HOW-TO-MEND
    host_lacks=$((host_lacks + 1))
    say_missing "$1" "$2"
}
missing() { # WHAT HOW-TO-MEND
    launch_lacks=$((launch_lacks + 1))
    say_missing "$1" "$2"
}
note() { printf 'note: %s\n' "$1" >&2; }
wrong_usage() {
    printf 'error: %s\n' "$1" >&2
    usage >&2
    exit 2
}

number() { # OPTION VALUE
    [[ $2 =~ ^[1-9][0-9]{0,8}$ ]] || wrong_usage "$1 takes a number above zero, not '$2'"
}

parse_arguments() {
    while (($#)); do
        case $1 in
            --dry-run) dry_run=yes && shift && continue ;;
            --help | -h) usage && exit 0 ;;
            --release | --operators | --configuration | --vcpus | --vcpu-type | --cid | --cbitpos | --qemu | --shroud)
                (($# > 1)) || wrong_usage "$1 needs a value" ;;
            *) wrong_usage "unknown option '$1'" ;;
        esac
        case $1 in
            --release) release=$2 ;;
            --operators) operators=$2 ;;
            --configuration) configuration=$2 ;;
            --vcpus) number "$1" "$2" && vcpus=$2 ;;
            --vcpu-type) vcpu_type=$2 ;;
            --cid) number "$1" "$2" && cid=$2 ;;
            --cbitpos) number "$1" "$2" && cbitpos=$2 ;;
            --qemu) qemu=$2 ;;
            --shroud) shroud=$2 ;;
        esac
        shift 2
    done
    [[ $vcpu_type =~ ^[A-Za-z0-9-]+$ ]] || wrong_usage "'$vcpu_type' is no vCPU type"
    ((cid > 2)) || wrong_usage "--cid takes a number above 2; lower ones are the host's"
}

at_least() { # VERSION FLOOR
    [[ $(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n 1) == "$2" ]]
}

check_processor() {
    if ! grep -qw sev_snp "$root/proc/cpuinfo" 2>/dev/null; then
        missing_on_host "a processor with SEV-SNP (no flag sev_snp in /proc/cpuinfo)" \
            "use EPYC 7003 or newer, and enable SMEE, SEV-SNP support and RMP coverage in the BIOS"
    fi
    if [[ ! -e $root/dev/sev ]]; then
        missing_on_host "/dev/sev" "modprobe ccp; if it stays away, enable the security processor (SEV) in the BIOS"
    elif [[ ! -r $root/dev/sev || ! -w $root/dev/sev ]]; then
        missing_on_host "access to /dev/sev" "run as a user who may read and write it, for example of group kvm with a udev rule"
    fi
}

check_kvm() {
    if [[ ! -r $root/dev/kvm || ! -w $root/dev/kvm ]]; then
        missing_on_host "access to /dev/kvm" "modprobe kvm_amd, and run as a user of group kvm"
    fi
    if ! grep -qsx '[Y1]' "$root/sys/module/kvm_amd/parameters/sev_snp"; then
        missing_on_host "SNP support of KVM (/sys/module/kvm_amd/parameters/sev_snp is not Y)" \
            "run Linux 6.11 or newer with the IOMMU on and not in passthrough mode (iommu=nopt), and kvm_amd.sev_snp=1"
    fi
    if [[ ! -r $root/dev/vhost-vsock || ! -w $root/dev/vhost-vsock ]]; then
        missing_on_host "access to /dev/vhost-vsock" "modprobe vhost_vsock, and run as a user of group kvm"
    fi
}

# The kernel says it once: "ccp …: SEV-SNP API:1.55 build:54", older ones "SEV API:1.55 build:54".
check_firmware() { # POLICY
    local found floor messages
    floor=$((($1 >> 8) & 255)).$(($1 & 255))
    messages=$(if [[ -n $root ]]; then cat "$root/kernel-log"; else dmesg || journalctl -kq --no-pager; fi 2>/dev/null) || true
    found=$(sed -nE 's/.*SEV(-SNP)? API:([0-9]+\.[0-9]+).*/\2/p' <<<"$messages" | tail -n 1)
    if [[ -z $found ]]; then
        note "the version of the SNP firmware is not in the kernel's messages; 'snphost show version' tells it ($floor is needed)"
    elif ! at_least "$found" "$floor"; then
        missing_on_host "SNP firmware of ABI $floor (found $found)" \
            "install AMD's newer firmware as /lib/firmware/amd/amd_sev_*.sbin or with a BIOS update, and reboot"
    fi
}

check_qemu() {
    local version
    if ! command -v "$qemu" >/dev/null; then
        missing_on_host "$qemu" "install QEMU $qemu_floor or newer (Debian: qemu-system-x86 of bookworm-backports)"
        return
    fi
    version=$("$qemu" --version 2>/dev/null | sed -nE '1s/.*version ([0-9]+(\.[0-9]+)*).*/\1/p') || true
    if [[ -z $version ]] || ! at_least "$version" "$qemu_floor"; then
        missing_on_host "QEMU $qemu_floor or newer (found ${version:-an unknown version})" \
            "install qemu-system-x86 of bookworm-backports or newer, or name another with --qemu"
    elif ! grep -qw sev-snp-guest <<<"$("$qemu" -object help 2>/dev/null)"; then
        missing_on_host "sev-snp-guest in QEMU $version" "use a build of QEMU with KVM and SEV support"
    fi
}

check_memory() { # MIB
    local free
    free=$(sed -nE 's/^MemAvailable: *([0-9]+) kB$/\1/p' "$root/proc/meminfo" 2>/dev/null) || true
    if [[ -n $free ]] && ((free / 1024 < $1)); then
        missing_on_host "memory: $1 MiB for the guest ($((free / 1024)) MiB are free)" "stop other guests, or use a larger host"
    fi
}

# What the release says of this launch. Until it is known, the dry run shows names in its place.
declare -A expected=(
    [version]='?' [firmware]=FIRMWARE [kernel]=KERNEL [initrd]=INITRD [append]=APPEND [memory_mib]=1024
    [policy]=POLICY [id_block]=ID_BLOCK [id_auth]=ID_AUTH [measurement]='unknown'
)

read_release() {
    local lines line
    [[ -n $release ]] || missing "a release" "name its signed manifest with --release"
    [[ -n $operators ]] || missing "the operators whose signatures count" "name their list with --operators"
    command -v "$shroud" >/dev/null ||
        missing "$shroud" "build it with 'cargo build -p shroud-cli' and name it with --shroud"
    ((launch_lacks == 0)) || return 0
    if ! lines=$("$shroud" measure release check "$release" --operators "$operators" \
        --vcpus "$vcpus" --vcpu-type "$vcpu_type" 2>&1); then
        missing "a release that holds: ${lines#error: }" "fetch the release anew, files and manifest, or choose what it was measured for"
        return
    fi
    while IFS= read -r line; do expected[${line%%=*}]=${line#*=}; done <<<"$lines"
    check_firmware "${expected[policy]}"
    check_memory "${expected[memory_mib]}"
}

host_data_hex=unknown host_data=HOST_DATA
read_configuration() {
    if [[ -z $configuration ]]; then
        missing "the deployment's configuration" "name it with --configuration"
    elif [[ ! -f $configuration || ! -r $configuration ]]; then
        missing "the configuration $configuration" "put the file there, readable"
    else
        host_data_hex=$(sha256sum <"$configuration" | cut -c 1-64)
        host_data=$(basenc --base16 -d <<<"${host_data_hex^^}" | base64 -w 0)
    fi
}

# QEMU takes a comma in a value for the next option unless it is doubled.
value() { printf '%s' "${1//,/,,}"; }

command=()
build_command() {
    local guest=sev-snp-guest,id=snp,cbitpos=$cbitpos,reduced-phys-bits=1,policy=${expected[policy]}
    guest+=,kernel-hashes=on,host-data=$host_data
    guest+=,id-block=${expected[id_block]},id-auth=${expected[id_auth]},author-key-enabled=on
    local memory=memory-backend-memfd,id=memory,size=${expected[memory_mib]}M,share=on,prealloc=off
    command=(
        "$qemu" -name shroud -no-user-config -nodefaults -no-reboot
        -sandbox "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny"
        -accel kvm -cpu "$vcpu_type" -smp "cpus=$vcpus,maxcpus=$vcpus" -m "${expected[memory_mib]}M"
        -machine "q35,confidential-guest-support=snp,memory-backend=memory,vmport=off"
        -object "$memory" -object "$guest"
        -bios "${expected[firmware]}" -kernel "${expected[kernel]}" -initrd "${expected[initrd]}"
        -append "${expected[append]}"
        -fw_cfg "name=opt/shroud/configuration,file=$(value "${configuration:-CONFIGURATION}")"
        -device "vhost-vsock-pci,guest-cid=$cid,disable-legacy=on,iommu_platform=on"
        -display none -monitor none -serial stdio
    )
}

# As a shell reads it back.
quoted() {
    if [[ $1 =~ ^[A-Za-z0-9_./:=,+@-]+$ ]]; then printf '%s' "$1"; else printf '%q' "$1"; fi
}

print_plan() {
    local word
    quoted "${command[0]}"
    for word in "${command[@]:1}"; do
        if [[ $word == -[a-z]* ]]; then printf ' \\\n    '; else printf ' '; fi
        quoted "$word"
    done
    printf '\n\nrelease:               %s\n' "${expected[version]}"
    printf 'measurement to expect: %s\n' "${expected[measurement]}"
    printf 'host data to expect:   %s\n' "$host_data_hex"
    printf 'ID key digest:         %s\n' "${expected[id_key_digest]:-unknown}"
    printf 'author key digest:     %s\n' "${expected[author_key_digest]:-unknown}"
}

parse_arguments "$@"
check_processor
check_kvm
check_qemu
read_release
read_configuration
build_command

if [[ -n $dry_run ]]; then
    print_plan
    ((launch_lacks == 0)) || exit 1
    exit 0
fi
((host_lacks + launch_lacks == 0)) || exit 1
printf 'launching release %s; measurement to expect: %s\n' "${expected[version]}" "${expected[measurement]}" >&2
exec "${command[@]}"
