# Sourced by contrib/demo and contrib/check: installs what is missing.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)

build_packages=(
  ca-certificates cmake ninja-build gcc libc6-dev pkg-config python3
  libcurl4-gnutls-dev libgnutls28-dev libetpan-dev libsqlite3-dev libical-dev libcmark-dev
  libyaml-dev libsodium-dev libidn2-dev libicu-dev libmicrohttpd-dev tzdata
)
test_packages=(
  clang clang-tidy libclang-rt-14-dev libcmocka-dev gnutls-bin openssl
  nginx-light caddy postfix dovecot-imapd dovecot-lmtpd strace sqlite3 systemd
  python3-icalendar python3-dateutil python3-dkim python3-prometheus-client
  chromium fonts-noto-core fonts-noto-color-emoji
  default-jre-headless nodejs npm man-db mandoc spin
  dnsmasq-base iproute2 mount util-linux zsh fish
)

say() {
  printf '\n== %s\n' "$*"
}

# Installs the Debian packages that are not there yet. A program that was
# installed by other means (node) counts as there.
need_packages() {
  local missing=() package
  for package in "$@"; do
    case $package in
      nodejs) command -v node >/dev/null && continue ;;
      npm) command -v npm >/dev/null && continue ;;
      default-jre-headless) command -v java >/dev/null && continue ;;
    esac
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' ||
      missing+=("$package")
  done
  [ ${#missing[@]} -eq 0 ] && return 0
  say "installing ${missing[*]}"
  local sudo=()
  [ "$(id -u)" -eq 0 ] || sudo=(sudo)
  "${sudo[@]}" apt-get update -qq
  # A mail server without a configuration does not start: the tests bring their own.
  case " ${missing[*]} " in
    *" postfix "*)
      echo 'postfix postfix/main_mailer_type select No configuration' |
        "${sudo[@]}" debconf-set-selections ;;
  esac
  "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq \
    --no-install-recommends "${missing[@]}" >/dev/null
}
