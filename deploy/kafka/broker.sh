#!/usr/bin/env bash
# A Kafka cluster on this machine's loopback, for development, tests and trying Penstock out. Not for production.
#
#   broker.sh up [COUNT]    make a cluster of COUNT nodes (1 or 3; default 1) if there is none, and start what is down
#   broker.sh down          stop every node; the data stays
#   broker.sh get           fetch Kafka's jars (needs java >= 17 and mvn; returns at once when they are there)
#   broker.sh format [COUNT]  forget all data and lay the files of a new cluster
#   broker.sh start|stop|kill|restart N   one node; `kill` is SIGKILL: what a power cut does to a process
#   broker.sh status        one line per node; exit 0 if all run, 3 if one is down
#   broker.sh bootstrap     print the addresses for clients
#   broker.sh wipe          stop everything and delete the data, keep the jars
#
# Settings (environment):
#   KAFKA_DIR       where jars, data, logs and secrets live                default ./.kafka
#   KAFKA_PORT      port of node 1; node N listens on KAFKA_PORT + N - 1   default 19092
#                   (controllers on + 100; with KAFKA_SECURE: SASL on + 200, TLS on + 300, SASL over TLS on + 400)
#   KAFKA_ENGINE    jvm, docker or auto (docker where an engine answers)   default auto
#   KAFKA_HEAP      heap of one node                                       default 512m
#   KAFKA_SECURE    1: also open SASL and TLS listeners (jvm only; needs openssl). Certificates and the password of
#                   user `penstock` are made under KAFKA_DIR/secrets
#   KAFKA_FEATURES  features for `format`, e.g. share.version=0 for a cluster without share groups (jvm only)
#   KAFKA_JARS      where jars are kept, to share them between clusters    default KAFKA_DIR/lib
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
dir=${KAFKA_DIR:-$PWD/.kafka}
case $dir in /*) ;; *) dir=$PWD/$dir ;; esac
port=${KAFKA_PORT:-19092}
heap=${KAFKA_HEAP:-512m}
jars=${KAFKA_JARS:-$dir/lib}
java=${JAVA:-${JAVA_HOME:+$JAVA_HOME/bin/}java}
# Room for one record of 4 MiB with its key and framing; topics/kafka/settings.py has the same number.
message_bytes=4259840
start_seconds=${KAFKA_START_SECONDS:-120}

die() { echo "broker.sh: $*" >&2; exit 1; }

engine() {
  case ${KAFKA_ENGINE:-auto} in
    jvm | docker) echo "$KAFKA_ENGINE" ;;
    auto) if docker info >/dev/null 2>&1; then echo docker; else echo jvm; fi ;;
    *) die "KAFKA_ENGINE is jvm, docker or auto, but is '$KAFKA_ENGINE'" ;;
  esac
}

check_count() { case $1 in 1 | 3) ;; *) die "a cluster has 1 or 3 nodes, not '$1'" ;; esac; }

# --- both engines -----------------------------------------------------------------------------------------------------

nodes() { # how many nodes the cluster was formatted for; 0 if it was not
  if [ -f "$dir/nodes" ]; then cat "$dir/nodes"; else echo 0; fi
}

check_node() {
  local count
  count=$(nodes)
  case ${1:-} in
    [1-9]) [ "$1" -le "$count" ] || die "there is no node $1: the cluster in $dir has $count (broker.sh up)" ;;
    *) die "which node? Its number is 1 to $count" ;;
  esac
}

listening() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

bootstrap() {
  local count all="" n
  count=$(nodes)
  [ "$count" -gt 0 ] || count=1
  for n in $(seq 1 "$count"); do all+="${all:+,}127.0.0.1:$((port + n - 1))"; done
  echo "$all"
}

# --- jvm --------------------------------------------------------------------------------------------------------------

jvm_get() {
  local mark
  mark=$(cksum <"$here/pom.xml" | cut -d' ' -f1)
  if [ -f "$jars/pom-$mark" ]; then return; fi
  command -v "$java" >/dev/null || die "java is missing: install a JDK or JRE, 17 or newer (or start Docker)"
  command -v mvn >/dev/null || die "mvn is missing: install Maven to fetch Kafka's jars (or start Docker)"
  local fresh="$jars.$$"
  rm -rf "$fresh"
  mkdir -p "$fresh"
  trap 'rm -rf "$fresh"' EXIT
  # Maven keeps no file outside its own repository and the folder named here: the folder moves in only when complete.
  mvn -B -q -f "$here/pom.xml" dependency:copy-dependencies -DincludeScope=runtime -DoutputDirectory="$fresh" >&2 ||
    die "Maven could not fetch Kafka's jars; its message stands above"
  touch "$fresh/pom-$mark"
  rm -rf "$jars"
  mv "$fresh" "$jars"
  trap - EXIT
}

jvm_secrets() { # a throw-away CA, a broker key and a client key signed by it, and one SASL password
  local s="$dir/secrets"
  if [ -f "$s/password" ]; then return; fi
  command -v openssl >/dev/null || die "openssl is missing: KAFKA_SECURE=1 makes certificates with it"
  rm -rf "$s"
  mkdir -p "$s"
  chmod 700 "$s"
  (
    cd "$s"
    umask 077
    openssl req -x509 -newkey rsa:2048 -nodes -days 3650 -subj "/CN=Penstock development CA" \
      -keyout ca.key -out ca.pem
    for who in broker client; do
      openssl req -newkey rsa:2048 -nodes -subj "/CN=$who" -keyout "$who.key" -out "$who.csr"
      printf 'subjectAltName=DNS:localhost,IP:127.0.0.1\n' >"$who.ext"
      openssl x509 -req -in "$who.csr" -CA ca.pem -CAkey ca.key -CAcreateserial -days 3650 -extfile "$who.ext" -out "$who.pem"
    done
    cat broker.key broker.pem ca.pem >broker-store.pem
  ) >"$dir/secrets.log" 2>&1 || die "openssl failed: $(tail -3 "$dir/secrets.log")"
  (umask 077 && openssl rand -hex 16 >"$s/password")
}

jvm_secure_properties() {
  local n=$1 s="$dir/secrets" at="127.0.0.1" password
  password=$(cat "$s/password")
  listeners+=",SASL://$at:$((port + 200 + n - 1)),TLS://$at:$((port + 300 + n - 1)),SASL_TLS://$at:$((port + 400 + n - 1))"
  protocols+=",SASL:SASL_PLAINTEXT,TLS:SSL,SASL_TLS:SASL_SSL"
  local login="org.apache.kafka.common.security.plain.PlainLoginModule required user_penstock=\"$password\";"
  cat <<P
sasl.enabled.mechanisms=PLAIN
listener.name.sasl.plain.sasl.jaas.config=$login
listener.name.sasl_tls.plain.sasl.jaas.config=$login
ssl.keystore.type=PEM
ssl.keystore.location=$s/broker-store.pem
ssl.truststore.type=PEM
ssl.truststore.location=$s/ca.pem
ssl.client.auth=requested
P
}

jvm_format_node() {
  local n=$1 count=$2 d="$dir/n$1" voters="" i copies=1 in_sync=1 secure=""
  # A killed node is let in again only when its last session has ended. Several nodes keep Kafka's 9 s, so that what is
  # measured on them holds elsewhere; a single one has nobody to hand over to, and should be back soon.
  local session=3000
  if [ "$count" -ge 3 ]; then copies=3 in_sync=2 session=9000; fi
  for i in $(seq 1 "$count"); do voters+="${voters:+,}$i@127.0.0.1:$((port + 100 + i - 1))"; done
  rm -rf "$d"
  mkdir -p "$d"
  local listeners="PLAINTEXT://127.0.0.1:$((port + n - 1))" protocols="PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT"
  if [ "${KAFKA_SECURE:-0}" = 1 ]; then
    jvm_secrets
    jvm_secure_properties "$n" >"$d/secure.properties"
    secure=$(cat "$d/secure.properties")
    rm "$d/secure.properties"
  fi
  (umask 077 && cat >"$d/server.properties") <<P
process.roles=broker,controller
node.id=$n
controller.quorum.voters=$voters
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
listeners=$listeners,CONTROLLER://127.0.0.1:$((port + 100 + n - 1))
advertised.listeners=$listeners
listener.security.protocol.map=$protocols
log.dirs=$d/data
broker.session.timeout.ms=$session
broker.heartbeat.interval.ms=500
message.max.bytes=$message_bytes
auto.create.topics.enable=false
default.replication.factor=$copies
min.insync.replicas=$in_sync
offsets.topic.replication.factor=$copies
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=$copies
transaction.state.log.min.isr=$in_sync
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=$copies
share.coordinator.state.topic.min.isr=$in_sync
share.coordinator.state.topic.num.partitions=4
group.initial.rebalance.delay.ms=0
log.segment.bytes=268435456
log.cleaner.dedupe.buffer.size=16777216
num.network.threads=2
num.io.threads=4
$secure
P
  cat >"$d/log4j2.xml" <<L
<Configuration status="WARN">
  <Appenders>
    <RollingFile name="file" fileName="$d/server.log" filePattern="$d/server.log.%i">
      <PatternLayout pattern="%d %p %c{1} %m%n"/>
      <SizeBasedTriggeringPolicy size="10 MB"/><DefaultRolloverStrategy max="2"/>
    </RollingFile>
  </Appenders>
  <Loggers>
    <Root level="WARN"><AppenderRef ref="file"/></Root>
    <Logger name="kafka.server.KafkaRaftServer" level="INFO"/>
  </Loggers>
</Configuration>
L
  local features=() f
  for f in ${KAFKA_FEATURES:-}; do features+=(--feature "$f"); done
  jvm_run kafka.tools.StorageTool "$d" -Xmx128m -XX:TieredStopAtLevel=1 -- \
    format -t "$(cat "$dir/cluster-id")" -c "$d/server.properties" ${features[@]+"${features[@]}"} >"$d/format.log" 2>&1 ||
    die "formatting node $n failed: $(tail -5 "$d/format.log")"
}

jvm_run() { # CLASS NODE_DIR JAVA_OPTION... -- ARGUMENT...
  local class=$1 d=$2 options=()
  shift 2
  while [ "$1" != -- ]; do options+=("$1"); shift; done
  shift
  "$java" "${options[@]}" -Dlog4j2.configurationFile="$d/log4j2.xml" -cp "$jars/*" "$class" "$@"
}

jvm_pid() { # the pid of node N if that process lives and is ours
  local file="$dir/n$1/pid" pid
  [ -f "$file" ] || return 1
  pid=$(cat "$file")
  ps -o command= -p "$pid" 2>/dev/null | grep -qF "$dir/n$1/server.properties" || return 1
  echo "$pid"
}

jvm_launch() {
  local n=$1 d="$dir/n$1" detach=nohup
  if jvm_pid "$n" >/dev/null; then return; fi
  if listening $((port + n - 1)); then die "port $((port + n - 1)) is taken by another process: set KAFKA_PORT"; fi
  # Its own word that it serves is looked for in its log, so that must be of this start.
  rm -f "$d/started"
  if [ -e "$d/server.log" ]; then mv -f "$d/server.log" "$d/server.log.before"; fi
  # A session of its own: Ctrl-C in the terminal that started it must not reach the broker.
  if command -v setsid >/dev/null; then detach=setsid; fi
  $detach "$java" -Xms128m "-Xmx$heap" -XX:+UseG1GC -XX:MaxGCPauseMillis=20 -XX:MaxDirectMemorySize=256m \
    -XX:+ExitOnOutOfMemoryError -Dlog4j2.configurationFile="$d/log4j2.xml" -cp "$jars/*" \
    kafka.Kafka "$d/server.properties" >"$d/out.log" 2>&1 </dev/null &
  echo $! >"$d/pid"
}

jvm_says_started() {
  [ -e "$dir/n$1/started" ] && return
  grep -qs 'Kafka Server started' "$dir/n$1/server.log" && touch "$dir/n$1/started"
}

jvm_await() {
  local n=$1 deadline=$((SECONDS + start_seconds))
  # The port opens a moment before the controller lets the broker have partitions: topics can't be made until then.
  until listening $((port + n - 1)) && jvm_says_started "$n"; do
    jvm_pid "$n" >/dev/null || die "node $n ended while it started: $(tail -5 "$dir/n$n/out.log")"
    [ $SECONDS -lt $deadline ] || die "node $n does not answer after ${start_seconds} s; see $dir/n$n/server.log"
    sleep 0.05
  done
}

jvm_format() {
  jvm_get
  jvm_down
  printf '%s' "$(head -c 16 /dev/urandom | base64 | tr '+/' 'AA' | tr -d '=')" >"$dir/cluster-id"
  local n
  for n in $(seq 1 "$1"); do jvm_format_node "$n" "$1"; done
  echo "$1" >"$dir/nodes"
}

jvm_start() { jvm_get; jvm_launch "$1"; jvm_await "$1"; }

jvm_end() { # NODE SIGNAL
  local pid deadline=$((SECONDS + 30))
  pid=$(jvm_pid "$1") || { rm -f "$dir/n$1/pid"; return 0; }
  kill "-$2" "$pid" 2>/dev/null || true
  while kill -0 "$pid" 2>/dev/null; do
    # A node without its quorum (the others went down first) waits for them in its shutdown: nothing is lost by SIGKILL.
    if [ $SECONDS -ge $deadline ]; then kill -KILL "$pid" 2>/dev/null || true; fi
    sleep 0.05
  done
  rm -f "$dir/n$1/pid"
}

jvm_up() {
  local n
  jvm_get
  for n in $(seq 1 "$1"); do jvm_launch "$n"; done
  for n in $(seq 1 "$1"); do jvm_await "$n"; done
}

jvm_down() {
  local n ends=()
  for n in $(seq 1 "$(nodes)"); do jvm_end "$n" TERM & ends+=($!); done
  for n in ${ends[@]+"${ends[@]}"}; do wait "$n"; done
}

jvm_running() { jvm_pid "$1" >/dev/null && listening $((port + $1 - 1)); }

# --- docker -----------------------------------------------------------------------------------------------------------

compose() {
  local count in_sync=1 copies=1 voters="" i
  count=$(nodes)
  if [ "$count" -ge 3 ]; then copies=3 in_sync=2; fi
  for i in $(seq 1 "$count"); do voters+="${voters:+,}$i@kafka$i:9093"; done
  local profiles=()
  if [ "$count" -ge 3 ]; then profiles=(--profile three); fi
  PENSTOCK_KAFKA_VOTERS=$voters PENSTOCK_KAFKA_COPIES=$copies PENSTOCK_KAFKA_IN_SYNC=$in_sync PENSTOCK_KAFKA_HEAP=$heap \
    PENSTOCK_KAFKA_PORT1=$port PENSTOCK_KAFKA_PORT2=$((port + 1)) PENSTOCK_KAFKA_PORT3=$((port + 2)) \
    PENSTOCK_KAFKA_MESSAGE_BYTES=$message_bytes \
    docker compose -p "penstock-kafka-$port" -f "$here/compose.yaml" ${profiles[@]+"${profiles[@]}"} "$@"
}

docker_plain() {
  [ "${KAFKA_SECURE:-0}" != 1 ] && [ -z "${KAFKA_FEATURES:-}" ] ||
    die "KAFKA_SECURE and KAFKA_FEATURES need the JVM engine: set KAFKA_ENGINE=jvm"
}
docker_format() { docker_plain; echo 3 >"$dir/nodes"; compose down -v; echo "$1" >"$dir/nodes"; }
docker_get() { docker pull -q apache/kafka:4.4.0; }
docker_start() { compose up -d --wait "kafka$1"; }
docker_end() { if [ "$2" = KILL ]; then compose kill "kafka$1"; else compose stop "kafka$1"; fi; }
docker_up() { compose up -d --wait; }
docker_down() { if [ "$(nodes)" -gt 0 ]; then compose stop; fi; }
docker_running() { [ -n "$(compose ps -q --status running "kafka$1")" ] && listening $((port + $1 - 1)); }

# --- commands ---------------------------------------------------------------------------------------------------------

format() {
  check_count "$1"
  mkdir -p "$dir"
  "${engine}_format" "$1"
  echo "$engine" >"$dir/engine"
}

up() {
  local count=${1:-1} had
  check_count "$count"
  mkdir -p "$dir"
  had=$(nodes)
  if [ "$had" = 0 ]; then
    format "$count"
  elif [ $# -gt 0 ] && [ "$had" != "$count" ]; then
    die "the cluster in $dir has $had nodes, not $count: broker.sh wipe, or another KAFKA_DIR and KAFKA_PORT"
  fi
  "${engine}_up" "$(nodes)"
  bootstrap
}

status() {
  local n down=0 count
  count=$(nodes)
  if [ "$count" = 0 ]; then echo "no cluster in $dir"; exit 3; fi
  for n in $(seq 1 "$count"); do
    if "${engine}_running" "$n"; then echo "node $n up   127.0.0.1:$((port + n - 1))"; else echo "node $n down"; down=3; fi
  done
  exit $down
}

command=${1:-help}
if [ $# -gt 0 ]; then shift; fi
# A cluster stays with the engine that made it: its data is not the other's.
if [ -f "$dir/engine" ] && [ "$command" != format ]; then engine=$(cat "$dir/engine"); else engine=$(engine); fi

case $command in
  get) mkdir -p "$dir"; "${engine}_get" ;;
  up) up "$@" ;;
  down) "${engine}_down" ;;
  format) format "${1:-1}" ;;
  start) check_node "${1:-}"; "${engine}_start" "$1" ;;
  stop) check_node "${1:-}"; "${engine}_end" "$1" TERM ;;
  kill) check_node "${1:-}"; "${engine}_end" "$1" KILL ;;
  restart) check_node "${1:-}"; "${engine}_end" "$1" TERM; "${engine}_start" "$1" ;;
  status) status ;;
  bootstrap) bootstrap ;;
  wipe)
    "${engine}_down"
    if [ "$engine" = docker ] && [ "$(nodes)" -gt 0 ]; then compose down -v; fi
    rm -rf "$dir"/n[1-9] "$dir/nodes" "$dir/engine" "$dir/cluster-id" "$dir/secrets" "$dir/secrets.log"
    ;;
  help | -h | --help) sed -n '2,/^set -/p' "${BASH_SOURCE[0]}" | grep '^#' | cut -c3- ;;
  *) die "unknown command '$command'; broker.sh help lists them" ;;
esac
