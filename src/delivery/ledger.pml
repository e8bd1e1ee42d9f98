/* ledger.pml - the life of outbox rows, for spin (tests/model checks it).
 *
 * Models what claim.c, outcome.c, worker.c, connection.c and recovery.c do: claims under
 * a lock that lives as long as its process, `committing` before the final dot, recovery
 * of dead workers, policy `resend`. Kills come at any moment, and one power cut that may
 * lose every commit after the last claim that was synced (synchronous=NORMAL; a claim
 * is synced by itself before its rows are used, while others go on committing).
 *
 * Shown: nobody is lost - when all is quiet every row is sent and was delivered -,
 * every double was named unknown before it was sent again, a kill puts at most one row
 * a connection in doubt, a power cut at most the rows of its claims.
 */
#define ROWS 3
#define WORKERS 2
#define KILLS 2
#define CLAIM 2     /* rows of one claim */
#define NOBODY 255

mtype = { queued, claimed, committing, sent, unknown };

mtype state[ROWS] = queued;
byte owner[ROWS] = NOBODY;
byte delivered[ROWS];

/* What a power cut leaves: the database as it stood at the last claim that was synced. */
mtype disk_state[ROWS] = queued;
byte disk_owner[ROWS] = NOBODY;
byte disk_time = 0;
byte time = 0; /* counts what is synced, in the order of the commits */

bool lock[WORKERS];     /* held exactly as long as the process lives */
byte boot[WORKERS];     /* boot in which the worker signed on */
byte this_boot = 0;
byte kills = 0;
byte named[ROWS];       /* times a row was named unknown */
bool cut = false;

/* A commit that will be synced: remembers the database as it is now. */
inline mark() {
    d_step {
        f = 0;
        do
        :: f < ROWS -> mark_state[f] = state[f]; mark_owner[f] = owner[f]; f++
        :: else -> break
        od;
        time++;
        mark_time = time;
        f = 0
    }
}

/* The disk has at least what was marked; a later mark may have been synced before. */
inline sync() {
    d_step {
        f = 0;
        do
        :: f < ROWS ->
            if
            :: mark_time > disk_time -> disk_state[f] = mark_state[f]; disk_owner[f] = mark_owner[f]
            :: else
            fi;
            mark_state[f] = queued; mark_owner[f] = NOBODY;
            f++
        :: else -> break
        od;
        if :: mark_time > disk_time -> disk_time = mark_time :: else fi;
        mark_time = 0;
        f = 0
    }
}

/* Recovery runs in one transaction a dead worker. */
inline recover() {
    w = 0;
    do
    :: w < WORKERS && !lock[w] ->
        doubts = 0;
        r = 0;
        do
        :: r < ROWS && owner[r] == w ->
            if
            :: state[r] == committing || (state[r] == claimed && boot[w] != this_boot) ->
                state[r] = unknown;
                named[r]++;
                doubts++
            :: else -> state[r] = queued
            fi;
            owner[r] = NOBODY;
            r++
        :: r < ROWS && owner[r] != w -> r++
        :: r == ROWS -> break
        od;
        assert(boot[w] != this_boot || doubts <= 1);
        assert(doubts <= CLAIM);
        w++
    :: w < WORKERS && lock[w] -> w++
    :: w == WORKERS -> break
    od;
    /* The policy `resend`. */
    r = 0;
    do
    :: r < ROWS -> if :: state[r] == unknown -> state[r] = queued :: else fi; r++
    :: r == ROWS -> break
    od;
    r = 0; w = 0; doubts = 0
}

/* One worker with one connection; after it dies another process takes its place
 * under a number of its own, which here is the same once its rows are settled. */
proctype Worker(byte me) {
    byte r, w, f, n, doubts;
    byte hold;
    mtype mark_state[ROWS];
    byte mark_owner[ROWS];
    byte mark_time;

start:
    /* A process that dies while it starts has done nothing but what recovery does, in
     * transactions; so starting is one step. Its number's earlier life is dead to it. */
    atomic {
        recover();
        lock[me] = true;
        boot[me] = this_boot;
        mark();
        sync()
    }
    {
        do
        :: atomic {
               /* Claim what is queued. */
               n = 0; r = 0;
               do
               :: r < ROWS && state[r] == queued && n < CLAIM ->
                   state[r] = claimed; owner[r] = me; n++; r++
               :: r < ROWS && !(state[r] == queued && n < CLAIM) -> r++
               :: r == ROWS -> break
               od;
               if :: n > 0 -> mark() :: else fi;
               r = 0
           }
           if
           :: n == 0 -> goto idle
           :: else -> sync()
           fi;
           do
           :: atomic {
                  hold = NOBODY; r = 0;
                  do
                  :: r < ROWS && state[r] == claimed && owner[r] == me && hold == NOBODY ->
                      hold = r; r++
                  :: r < ROWS && !(state[r] == claimed && owner[r] == me && hold == NOBODY) -> r++
                  :: r == ROWS -> break
                  od;
                  r = 0;
                  if :: hold == NOBODY -> break :: else fi
              }
              atomic { assert(owner[hold] == me); state[hold] = committing }
              delivered[hold]++                                  /* the final dot */
              ;
              atomic { assert(owner[hold] == me && state[hold] == committing);
                       state[hold] = sent; owner[hold] = NOBODY }
           od
        od
    } unless {
        !lock[me] -> goto start /* killed: another process starts */
    };
idle:
    /* Nothing is due; it goes on when a dead worker's rows come back. */
    if
    :: !lock[me] -> goto start
    :: atomic {
           timeout ->
           r = 0;
           do
           :: r < ROWS -> assert(state[r] == sent && delivered[r] >= 1);
                      assert(delivered[r] <= 1 + named[r]);
                      r++
           :: r == ROWS -> break
           od
       }
    fi
}

/* Kills any worker at any moment, and cuts the power at most once. */
proctype Fate() {
    byte f;
end:
    do
    :: atomic { kills < KILLS && lock[0] -> lock[0] = false; kills++ }
    :: atomic { kills < KILLS && lock[1] -> lock[1] = false; kills++ }
    :: atomic {
           !cut && kills < KILLS ->
           cut = true; kills++; this_boot++;
           lock[0] = false; lock[1] = false;
           if
           :: f = 0;
              do
              :: f < ROWS -> state[f] = disk_state[f]; owner[f] = disk_owner[f]; f++
              :: f == ROWS -> break
              od
           :: skip /* the commits had reached the disk */
           fi
       }
    od
}

init {
    atomic { run Worker(0); run Worker(1); run Fate() }
}
