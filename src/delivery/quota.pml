/* quota.pml - what a relay with a limit gets, for spin (tests/model checks it).
 *
 * Models what quota.c, claim.c, outcome.c and recovery.c do for two processes at one
 * relay: a claim reserves, in the commit that is synced before its rows are handed out;
 * an answer counts from its slot on, and frees the reservation in the same commit; a dead
 * worker's doubts count from recovery on. Time goes on by itself, a slot a step. Kills
 * come at any moment, and one power cut after which the database is as it was at the last
 * claim, or as it is.
 *
 * Shown: by the relay's own clock no window, wherever it begins, has more than the limit.
 * A window of WINDOW slots that begins inside of one touches WINDOW + 1 of them. What a
 * dead process had written is taken to arrive before anybody recovers it.
 */
#define WORKERS 2
#define MOST 3    /* messages a window */
#define WINDOW 2  /* slots */
#define CLAIM 2   /* rows of one claim */
#define KILLS 2

/* The database: of each worker, and the answers of the last slots, the present one first. */
bool enlisted[WORKERS];
byte held[WORKERS];
byte waiting[WORKERS]; /* rows that are claimed */
byte begun[WORKERS];   /* rows that are committing */
byte used[WINDOW + 1];

/* The same as the last claim left it on the disk. */
bool disk_enlisted[WORKERS];
byte disk_held[WORKERS];
byte disk_waiting[WORKERS];
byte disk_begun[WORKERS];
byte disk_used[WINDOW + 1];

bool lock[WORKERS];   /* held exactly as long as the process lives */
bool before[WORKERS]; /* it signed on before the power cut */
byte arrived[WINDOW + 1]; /* what the relay got, by slot */
byte kills = 0;
bool cut = false;
byte i; /* of whatever is one step */

#define SUM(slots) (slots[0] + slots[1] + slots[2])

inline sync() {
    i = 0;
    do
    :: i < WORKERS ->
        disk_enlisted[i] = enlisted[i];
        disk_held[i] = held[i];
        disk_waiting[i] = waiting[i];
        disk_begun[i] = begun[i];
        i++
    :: else -> break
    od;
    i = 0;
    do
    :: i <= WINDOW -> disk_used[i] = used[i]; i++
    :: else -> break
    od;
    i = 0
}

inline go() {
    enlisted[i] = false; held[i] = 0; waiting[i] = 0; begun[i] = 0; before[i] = false
}

/* One transaction a dead worker: of this boot only what was begun is in doubt. */
inline recover() {
    i = 0;
    do
    :: i < WORKERS && enlisted[i] && !lock[i] ->
        used[0] = used[0] + begun[i] + (before[i] -> waiting[i] : 0);
        go();
        i++
    :: i < WORKERS && !(enlisted[i] && !lock[i]) -> i++
    :: else -> break
    od;
    i = 0
}

/* `mine` rows are in hand. Whoever finds its lock gone is dead. */
proctype worker(byte w)
{
    byte mine;

dead:
    atomic { !enlisted[w] && !lock[w]; lock[w] = true; enlisted[w] = true; mine = 0 };
    do
    :: atomic { !lock[w] -> goto dead }
    :: d_step { lock[w] -> recover() }
    :: atomic {
           lock[w] && mine == 0 ->
           if
           :: SUM(used) + held[0] + held[1] < MOST -> mine = 1
           :: SUM(used) + held[0] + held[1] + CLAIM <= MOST -> mine = CLAIM
           :: SUM(used) + held[0] + held[1] >= MOST -> skip
           fi;
           held[w] = held[w] + mine;
           waiting[w] = waiting[w] + mine;
           if :: mine > 0 -> sync() :: else fi
       }
    :: d_step {
           lock[w] && mine > 0 ->
           held[w] = held[w] - mine; waiting[w] = waiting[w] - mine; mine = 0
       }
    :: d_step { lock[w] && mine > 0 && begun[w] == 0 -> waiting[w]--; begun[w]++; mine-- };
       if
       :: atomic { !lock[w] -> goto dead }
       :: d_step {
              lock[w] ->
              arrived[0]++;
              assert(SUM(arrived) <= MOST)
          }
       fi;
       if
       :: atomic { !lock[w] -> goto dead }
       :: d_step { lock[w] -> begun[w]--; held[w]--; used[0]++ }
       fi
    od
}

active proctype hours()
{
    do
    :: d_step {
           used[2] = used[1]; used[1] = used[0]; used[0] = 0;
           disk_used[2] = disk_used[1]; disk_used[1] = disk_used[0]; disk_used[0] = 0;
           arrived[2] = arrived[1]; arrived[1] = arrived[0]; arrived[0] = 0
       }
    od
}

active proctype fate()
{
    byte w;

    do
    :: atomic { kills < KILLS && lock[0] -> lock[0] = false; kills++ }
    :: atomic { kills < KILLS && lock[1] -> lock[1] = false; kills++ }
    :: atomic {
           !cut ->
           cut = true;
           w = 0;
           if
           :: do
              :: w < WORKERS ->
                  enlisted[w] = disk_enlisted[w];
                  held[w] = disk_held[w];
                  waiting[w] = disk_waiting[w];
                  begun[w] = disk_begun[w];
                  w++
              :: else -> break
              od;
              used[0] = disk_used[0]; used[1] = disk_used[1]; used[2] = disk_used[2]
           :: skip
           fi;
           w = 0;
           do
           :: w < WORKERS -> lock[w] = false; before[w] = enlisted[w]; w++
           :: else -> break
           od;
           w = 0
       }
    od
}

init {
    atomic { run worker(0); run worker(1) }
}
