#!/bin/sh
# capbatch on the engines that share work between machines: Slurm, GNU parallel, Open MPI.  Each runs for real on this
# machine, in a folder of the test's own and on ports of loopback, and what comes out is a single run's output.
# Everything that is started here is ended here, by its number.
set -u
. test/scripts/tap.sh
BUILD=${BUILD:-build}
case $BUILD in /*) ;; *) BUILD=$(pwd)/$BUILD ;; esac
here=$(pwd) daemons=
export PATH="$BUILD:$PATH:/usr/sbin:/sbin" LC_ALL=C
# shellcheck disable=SC2086,SC2154
trap '[ -z "$daemons" ] || kill -KILL $daemons 2>/dev/null; rm -rf "$dir"' EXIT

# ---- 64 tars, and what a single run makes of them ----

"$BUILD/test/programs/make_demo" "$dir/m.capw" "$dir/demo.jpg" >/dev/null || exit 1
mkdir "$dir/in" "$dir/t"
i=100
while [ $i -lt 164 ]; do
    for k in 1 2 3; do cp test/vectors/a.jpg "$dir/t/$i$k.jpg"; done
    [ $((i % 9)) != 0 ] || head -c 20 test/vectors/a.jpg >"$dir/t/${i}2.jpg"
    (cd "$dir/t" && tar cf "$dir/in/shard-$i.tar" -- *.jpg && rm -- *.jpg)
    i=$((i + 1))
done
capbatch -q -m "$dir/m.capw" -o "$dir/single.jsonl" "$dir"/in/*.tar 2>/dev/null
try 'a single run captions all but the damaged images' \
    test "$(grep -c '"caption"' "$dir/single.jsonl")-$(grep -c '"error"' "$dir/single.jsonl")" = 185-7

# ENGINE, PARTS...: joined they are the single run's output
equal() {
    engine=$1
    shift
    try "$engine: the parts join" capbatch merge -o "$dir/joined.jsonl" "$@"
    try "$engine: to the output of a single run" cmp "$dir/joined.jsonl" "$dir/single.jsonl"
    try "$engine: and to its manifest" cmp "$dir/joined.jsonl.manifest.json" "$dir/single.jsonl.manifest.json"
    rm -f "$dir/joined.jsonl"*
}

# ---- GNU parallel ----

if have parallel && parallel --version 2>/dev/null | grep -q 'GNU parallel'; then
    mkdir "$dir/p"
    # each part has images that fail, so each exits with 1: parallel's exit code is the number of them
    seq 8 | parallel --will-cite --sshlogin : -j 2 --env PATH capbatch -q -m "$dir/m.capw" --threads 1 --shard '{}/8' \
        -o "$dir/p/c.jsonl" "$dir"/in/*.tar >"$dir/parallel.log" 2>&1
    equal 'GNU parallel' "$dir"/p/c-*.jsonl
else
    skip 'GNU parallel' 'it is not installed'
fi

# ---- Open MPI ----

if have mpirun && mpirun --version 2>/dev/null | grep -q 'Open MPI'; then
    mkdir "$dir/o"
    cat >"$dir/rank" <<'TEXT'
#!/bin/sh
capbatch "$@" || [ $? = 1 ] # images that failed are no reason for mpirun to end the other ranks
TEXT
    chmod +x "$dir/rank"
    mpirun --allow-run-as-root --oversubscribe -np 3 "$dir/rank" -q -m "$dir/m.capw" --threads 1 --shard auto \
        -o "$dir/o/c.jsonl" "$dir"/in/*.tar >"$dir/mpi.log" 2>&1
    equal 'Open MPI' "$dir"/o/c-*.jsonl
else
    skip 'Open MPI' 'it is not installed'
fi

# ---- Slurm ----

end_slurm() {
    skip 'Slurm' "$1"
    finish
}
for program in munged slurmctld slurmd sbatch scontrol flock; do
    have $program || end_slurm "no $program"
done
[ "$(id -u)" = 0 ] || end_slurm 'its daemons are started as root'

host=$(uname -n | cut -d . -f 1) port=$((20000 + $$ % 20000))
mkdir "$dir/s" "$dir/s/munge" "$dir/s/state" "$dir/s/local" "$dir/s/out"
chmod 755 "$dir" "$dir/s" "$dir/s/munge"
cd "$dir/s" || exit 1
{
    cat <<TEXT
ClusterName=test
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=$port
AuthType=auth/munge
AuthInfo=socket=$dir/s/munge/socket,cred_expire=5
CredType=cred/munge
SlurmUser=root
SlurmdUser=root
StateSaveLocation=$dir/s/state
SlurmdSpoolDir=$dir/s/spool-%n
SlurmctldPidFile=$dir/s/slurmctld.pid
SlurmdPidFile=$dir/s/slurmd-%n.pid
SlurmctldLogFile=$dir/s/slurmctld.log
SlurmdLogFile=$dir/s/slurmd-%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
ReturnToService=2
SlurmdTimeout=6
SchedulerParameters=batch_sched_delay=0,sched_interval=1
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP
TEXT
    for n in 1 2 3; do
        echo "NodeName=node$n NodeHostname=$host NodeAddr=127.0.0.1 Port=$((port + n)) CPUs=1 State=UNKNOWN"
    done
} >slurm.conf
export SLURM_CONF="$dir/s/slurm.conf" CAPTION_LOCAL="$dir/s/local"

# FILE: waits a minute for it to be there
wait_for() {
    left=600
    until [ -s "$1" ]; do
        left=$((left - 1))
        [ $left -gt 0 ] || return 1
        sleep 0.1
    done
}

(umask 077 && head -c 1024 /dev/urandom >munge/key)
munged --force --socket="$dir/s/munge/socket" --key-file="$dir/s/munge/key" --pid-file="$dir/s/munge/pid" \
    --log-file="$dir/s/munge/log" --seed-file="$dir/s/munge/seed" >start.log 2>&1
wait_for munge/pid || end_slurm 'munged does not start'
daemons=$(cat munge/pid)
slurmctld -f "$SLURM_CONF" >>start.log 2>&1
wait_for slurmctld.pid || end_slurm 'slurmctld does not start'
daemons="$daemons $(cat slurmctld.pid)"
for n in 1 2 3; do
    mkdir "spool-node$n"
    slurmd -N "node$n" -f "$SLURM_CONF" >>start.log 2>&1 || end_slurm 'this slurmd runs once on a machine alone'
    wait_for "slurmd-node$n.pid" || end_slurm 'slurmd does not start'
    daemons="$daemons $(cat "slurmd-node$n.pid")"
done
left=100
until [ "$(sinfo -h -N -t idle -o %n | wc -l)" = 3 ]; do
    left=$((left - 1))
    [ $left -gt 0 ] || end_slurm 'its nodes do not come up'
    sleep 0.2
done

# capbatch as the tasks start it.  The first task of node2 hangs in the middle, until the test kills it with its node.
# Task 5 kills its first capbatch in the middle.
cat >capbatch.sh <<'TEXT'
#!/bin/sh
part=$(printf 'out/c-%05d-of-00016.jsonl' $((SLURM_ARRAY_TASK_ID + 1)))
echo "$SLURM_ARRAY_TASK_ID ${SLURM_RESTART_COUNT:-0} $SLURMD_NODENAME" >>tasks
if [ "$SLURMD_NODENAME" = node2 ] && mkdir hanging 2>/dev/null; then
    mode=hang
elif [ "$SLURM_ARRAY_TASK_ID" = 5 ] && mkdir killed 2>/dev/null; then
    mode=kill
else
    exec capbatch --batch 1 "$@"
fi
capbatch --batch 1 "$@" &
pid=$!
until [ -s "$part.part" ] || [ -s "$part" ]; do sleep 0.01; done
kill -KILL $pid
wait $pid
[ $mode = hang ] || exit 137
echo "$$ $PPID $(ps -o ppid= -p $PPID)" >victim.tmp
mv victim.tmp victim
exec sleep 300
TEXT
chmod +x capbatch.sh

try 'Slurm: 16 tasks are submitted' env CAPBATCH="$dir/s/capbatch.sh" sbatch --array=0-15 --output=task-%a.log \
    "$here/tools/cluster/caption.sbatch" "$dir/m.capw" out/c.jsonl "$dir"/in/*.tar
if wait_for victim; then
    # the node is gone: its slurmd, the task's slurmstepd, the task
    # shellcheck disable=SC2046
    kill -KILL $(cat slurmd-node2.pid) $(awk '{ print $3, $2, $1 }' victim)
    daemons="$(cat munge/pid slurmctld.pid slurmd-node1.pid slurmd-node3.pid)"
fi
left=1200
until [ "$(find out -name '*.jsonl.manifest.json' | wc -l)" = 16 ]; do
    left=$((left - 1))
    [ $left -gt 0 ] || break
    sleep 0.1
done
try 'Slurm: all of them end, though a node fails and a task is killed' test $left -gt 0
[ $left -gt 0 ] || tail -n 5 slurmctld.log tasks ./*.log | sed 's/^/# /'
# shellcheck disable=SC2016
{
try 'Slurm: the task of the node that failed ran again elsewhere' \
    awk '$3 == "node2" { first[$1] = 1 } $2 > 0 && $3 != "node2" && first[$1] { again = 1 } END { exit !again }' tasks
try 'Slurm: the task that was killed ran again' awk '$1 == 5 && $2 > 0 { again = 1 } END { exit !again }' tasks
}
try 'Slurm: what was killed in the middle went on there' test "$(grep -l 'goes on after' task-*.log | wc -l)" -ge 1
try 'Slurm: the model was copied to the node once' test "$(find local -name '*.capw*' | wc -l)" = 1
cd "$here" || exit 1
equal 'Slurm' "$dir"/s/out/c-*.jsonl
finish
