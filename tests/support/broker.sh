#!/bin/sh
# Keeps a private RabbitMQ for a test: its files are in one folder, it listens on 127.0.0.1 only,
# and it and its name server (epmd) end when this script's input does, however the test ended.
#
#   broker.sh SCRIPTS FOLDER NODE PORT DISTRIBUTION_PORT EPMD_PORT
#
# SCRIPTS is what scripts/rabbitmq.sh prints, FOLDER has a file `rabbitmq.conf`. Commands are lines:
#   start       starts the broker; answers with its process id
#   kill        kills it as `kill -9` does; answers when it is gone
#   ctl ARGS..  runs rabbitmqctl, whose output is then in FOLDER/ctl; answers with its exit code
# The packaged launcher is not used, as it listens on every interface.
scripts=$1 folder=$2 node=$3 port=$4 distribution=$5 epmd=$6
# Ctrl-C is for the test, whose end is seen here.
trap '' INT
log=$folder/log

# Nothing of the system's own settings.
for name in $(env | sed -n 's/^\(RABBITMQ_[A-Z_]*\)=.*/\1/p'); do unset "$name"; done
export HOME="$folder"
export RABBITMQ_NODENAME="$node@localhost"
export RABBITMQ_NODE_PORT="$port" RABBITMQ_DIST_PORT="$distribution"
export RABBITMQ_MNESIA_BASE="$folder/data" RABBITMQ_LOG_BASE="$folder/logs"
export RABBITMQ_PID_FILE="$folder/pid"
export RABBITMQ_CONFIG_FILE="$folder/rabbitmq.conf"
export RABBITMQ_ADVANCED_CONFIG_FILE="$folder/advanced.config"
export RABBITMQ_CONF_ENV_FILE=/dev/null
export RABBITMQ_ENABLED_PLUGINS_FILE="$folder/plugins"
export RABBITMQ_SERVER_START_ARGS="-kernel inet_dist_use_interface {127,0,0,1}"
# An idle broker that spins takes the processor from what is tested.
export RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS="+sbwt none +sbwtdcpu none +sbwtdio none -start_epmd false"
export ERL_EPMD_ADDRESS=127.0.0.1 ERL_EPMD_PORT="$epmd"
# The script then becomes the broker, so that its process id is the broker's.
export RUNNING_UNDER_SYSTEMD=1
echo '[].' >"$RABBITMQ_ENABLED_PLUGINS_FILE"

end() {
    kill -KILL $broker $names 2>/dev/null
    wait
    # What the broker itself had started ends with it, a moment later.
    rm -rf "$folder" || { sleep 1; rm -rf "$folder"; }
}

broker=
epmd -address 127.0.0.1 -port "$epmd" </dev/null >>"$log" 2>&1 &
names=$!
trap end EXIT
trap 'exit 1' TERM HUP

while read -r command arguments; do
    case $command in
        start)
            "$scripts/rabbitmq-server" </dev/null >>"$log" 2>&1 &
            broker=$!
            echo "$broker"
            ;;
        kill)
            kill -KILL "$broker"
            wait "$broker" 2>/dev/null
            broker=
            echo gone
            ;;
        ctl)
            # Its arguments are words without blanks.
            "$scripts/rabbitmqctl" $arguments </dev/null >"$folder/ctl" 2>&1
            echo "$?"
            ;;
    esac
done
