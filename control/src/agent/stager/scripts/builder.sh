# Builds a droplet's `app` from within the container. Its directory is the container's root.
#
#   $1  detect: ask each buildpack in turn;  given: use all of them
#   .staging/buildpacks/N     the buildpacks, in order; N has as many digits as the last one needs
#   .staging/hooks/{pre-staging,post-staging}  the application's own hooks
#   .staging/result/          what is told back: phase, chosen, index, detected, release.yml
#
# Exit codes: 221 hook, 222 detect, 223 compile, 224 release, 225 supply, 226 finalize.
set -u
root=$PWD
build=$root/app
work=$root/.staging
result=$work/result
cache=$root/cache
deps=$root/deps
profile=$root/profile.d

phase() { printf '%s\n' "$*" > "$result/phase"; }

name_of() { cat "$work/buildpacks/$1.name" 2>/dev/null || printf '%s' "$1"; }

hook() {
  phase "hook $1"
  if [ -x "/etc/stackato/hooks/$1" ]; then
    printf -- '-----> hook of this node: %s\n' "$1"
    (cd "$build" && "/etc/stackato/hooks/$1") || exit 221
  fi
  if [ -f "$work/hooks/$1" ]; then
    printf -- '-----> hook of the application: %s\n' "$1"
    (cd "$build" && bash "$work/hooks/$1") || exit 221
  fi
}

detect() {
  for pack in $packs; do
    dir=$work/buildpacks/$pack
    phase "detect of $(name_of "$pack")"
    if [ ! -x "$dir/bin/detect" ]; then
      printf 'warning: bin/detect of %s is not executable, so it is skipped\n' "$(name_of "$pack")"
      continue
    fi
    if said=$("$dir/bin/detect" "$build"); then
      printf '%s' "$pack" > "$result/chosen"
      printf '%s' "$said" > "$result/detected"
      printf -- '-----> detected: %s (buildpack %s)\n' "${said:-$(name_of "$pack")}" "$(name_of "$pack")"
      chosen=$pack
      return
    fi
  done
  exit 222
}

# A buildpack, its cache and its index.
supply() {
  phase "supply of $(name_of "$1")"
  printf -- '-----> %s: supply\n' "$(name_of "$1")"
  mkdir -p "$deps/$3" "$2"
  "$work/buildpacks/$1/bin/supply" "$build" "$2" "$deps" "$3" || exit 225
}

# The last buildpack of the list, with its index: either the form of today or the classic one.
finish() {
  dir=$work/buildpacks/$1
  own=$cache/final
  mkdir -p "$own" "$deps/$2"
  if [ -x "$dir/bin/finalize" ]; then
    if [ -x "$dir/bin/supply" ]; then supply "$1" "$own" "$2"; fi
    phase "finalize of $(name_of "$1")"
    printf -- '-----> %s: finalize\n' "$(name_of "$1")"
    "$dir/bin/finalize" "$build" "$own" "$deps" "$2" "$profile" || exit 226
  else
    phase "compile of $(name_of "$1")"
    printf -- '-----> %s: compile\n' "$(name_of "$1")"
    "$dir/bin/compile" "$build" "$own" || exit 223
  fi
  phase "release of $(name_of "$1")"
  if [ -x "$dir/bin/release" ]; then
    "$dir/bin/release" "$build" > "$result/release.yml" || exit 224
  elif [ ! -f "$deps/$2/launch.yml" ] && [ ! -f "$build/Procfile" ]; then
    printf '%s has neither bin/release nor a launch.yml\n' "$(name_of "$1")" >&2
    exit 224
  fi
}

packs=$(cd "$work/buildpacks" && for entry in *; do [ -d "$entry" ] && printf '%s ' "$entry"; done)
mode=$1
hook pre-staging
if [ "$mode" = detect ]; then
  detect
  packs=$chosen
fi
set -- $packs
while [ $# -gt 1 ]; do
  if [ ! -x "$work/buildpacks/$1/bin/supply" ]; then
    printf 'buildpack %s has no bin/supply, so it can only be the last one\n' "$(name_of "$1")" >&2
    exit 225
  fi
  supply "$1" "$cache/$1" "$1"
  shift
done
printf '%s' "$1" > "$result/chosen"
# Where only one is used, it is the first, whichever was asked.
index=$1
if [ "$mode" = detect ]; then index=0; fi
printf '%s' "$index" > "$result/index"
finish "$1" "$index"
hook post-staging
phase done
