/* backup | restore | migrate: the site's data in one file, and back. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "erase.h"
#include "output.h"
#include "teataja/base/clock.h"
#include "teataja/base/file.h"
#include "teataja/base/json.h"
#include "teataja/base/limits.h"
#include "teataja/db/backup.h"
#include "teataja/delivery/restore.h"
#include "teataja/schedule/schedule.h"
#include "workspace.h"

/* The file that holds the key of links, if the site keeps it in one. */
static const char *key_file(const struct workspace *workspace)
{
    const char *reference = workspace->config.site.token_key;

    return strncmp(reference, "file:", 5) == 0
               ? config_path(workspace->arena, &workspace->config, reference + 5)
               : NULL;
}

static enum exit_status backup_run(struct command *command)
{
    struct workspace workspace;
    enum exit_status status = workspace_open(command, WORKSPACE_DB, false, &workspace);
    struct db_backup note = {.made_at = clock_now(), .program = TEATAJA_VERSION};
    const char *path = command->arguments[0];
    struct err err = {0};
    struct stat made = {0};
    char *key = NULL;
    int rc = 0;

    if (status != EXIT_DONE) {
        workspace_close(&workspace);
        return status;
    }
    note.site =
        lang_text_get(&workspace.config.site.name, workspace.config.site.languages[0], LANG_NONE);
    if (key_file(&workspace) != NULL) {
        rc = config_secret(workspace.arena, &workspace.config, workspace.config.site.token_key,
                           &key, &err);
        note.token_key = key;
    }
    if (rc == 0) {
        rc = db_backup_write(workspace.db, path, &note, &err);
    }
    if (rc == 0 && stat(path, &made) != 0) {
        rc = err_set_errno(&err, ERR_IO, errno, "cannot look at '%s'", path);
    }
    if (rc < 0) {
        status = command_fail(&err);
    } else if (command->json) {
        output_text_json("backup", path);
    } else {
        printf("The site's data is in %s (%.1f MB)%s.\nIt holds people's addresses%s: keep it "
               "where only you can read it.\n",
               path, (double)made.st_size / 1e6, key != NULL ? ", with the key of its links" : "",
               key != NULL ? " and a secret" : "");
    }
    workspace_close(&workspace);
    return status;
}

const struct verb verb_backup = {
    .name = "backup",
    .usage = "FILE",
    .summary = "write the site's data into one file, while it is in use",
    .help = "Members, consent, mailings and what became of them, answers; and the key that signs\n"
            "the links in letters. Not the files that people write: keep those in version control\n"
            "or copy the folder. FILE must not be there yet. It is complete, or it is not there.",
    .min_arguments = 1,
    .max_arguments = 1,
    .run = backup_run,
};

/* ---- restore ---- */

/* Where things are, and where they go. */
struct places {
    char *database;
    char *incoming;  /* the unpacked backup, before it takes the database's place */
    char *put_aside; /* where the present database goes */
    const char *key; /* NULL if the site keeps the key elsewhere */
    char *key_aside;
};

static int find_places(struct workspace *workspace, struct places *places, struct err *err)
{
    struct arena *arena = workspace->arena;
    int64_t second = clock_now() / CLOCK_SECOND;

    places->database = config_path(arena, &workspace->config, workspace->config.site.database);
    places->key = key_file(workspace);
    if (places->database != NULL) {
        places->incoming = arena_printf(arena, "%s.incoming", places->database);
        places->put_aside = arena_printf(arena, "%s.before-%" PRId64, places->database, second);
        places->key_aside = arena_printf(arena, "%s.before-%" PRId64,
                                         places->key != NULL ? places->key : "", second);
    }
    if (places->database == NULL || places->incoming == NULL || places->put_aside == NULL ||
        places->key_aside == NULL) {
        err_nomem(err);
        return ERR_NOMEM;
    }
    return 0;
}

/* Whoever works on the site holds a lock in its var/ folder for as long as it lives. */
static int refuse_while_in_use(struct workspace *workspace, struct err *err)
{
    char *var = NULL;
    char **names = NULL;
    size_t count = 0;
    int rc = workspace_var(workspace, &var, err);

    if (rc == 0) {
        rc = file_list(workspace->arena, var, &names, &count, err);
    }
    for (size_t i = 0; rc == 0 && i < count; i++) {
        size_t len = strlen(names[i]);
        char *path = file_join(workspace->arena, var, names[i]);
        int fd = -1;

        if (path == NULL) {
            return err_nomem(err);
        }
        if (len > 5 && strcmp(names[i] + len - 5, ".lock") == 0) {
            fd = open(path, O_RDWR | O_CLOEXEC);
        }
        if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) != 0) {
            rc = err_set(err, ERR_BUSY, "the site is in use (%s is locked): stop teataja first",
                         path);
        }
        if (fd >= 0) {
            close(fd);
        }
    }
    return rc;
}

static int move(const char *from, const char *to, struct err *err)
{
    return rename(from, to) == 0 || errno == ENOENT
               ? 0
               : err_set_errno(err, ERR_IO, errno, "cannot move '%s' to '%s'", from, to);
}

/* The present database goes aside with its log. Closing it in order empties the log; a
 * database that cannot be opened is moved as it is. */
static int put_aside(struct workspace *workspace, const struct places *places, struct err *err)
{
    static const char *const parts[] = {"-wal", "-shm", ""};
    struct err quiet = {0};
    struct db *db = NULL;
    int rc = 0;

    if (db_open(places->database, DB_OPEN_EXISTING, &db, &quiet) == 0) {
        db_close(db);
    }
    for (size_t i = 0; rc == 0 && i < sizeof(parts) / sizeof(parts[0]); i++) {
        char *from = arena_printf(workspace->arena, "%s%s", places->database, parts[i]);
        char *to = arena_printf(workspace->arena, "%s%s", places->put_aside, parts[i]);

        rc = from == NULL || to == NULL ? err_nomem(err) : move(from, to, err);
    }
    return rc;
}

static int restore_key(struct workspace *workspace, const struct places *places,
                       const struct db_backup *note, struct err *err)
{
    char *present = NULL;
    char *line = NULL;
    struct err quiet = {0};

    if (places->key == NULL || note->token_key == NULL) {
        return 0;
    }
    if (config_secret(workspace->arena, &workspace->config, workspace->config.site.token_key,
                      &present, &quiet) == 0 &&
        strcmp(present, note->token_key) == 0) {
        return 0;
    }
    line = arena_printf(workspace->arena, "%s\n", note->token_key);
    if (line == NULL) {
        return err_nomem(err);
    }
    return move(places->key, places->key_aside, err) < 0
               ? err->code
               : file_write(places->key, line, strlen(line), 0600, err);
}

/* The unpacked backup becomes one that sends nothing by itself. */
static int hold_everything(struct db *db, struct delivery_restored *held, struct err *err)
{
    int rc = db_begin(db, err);

    if (rc == 0) {
        rc = delivery_restore(db, held, err);
    }
    if (rc == 0) {
        rc = schedule_hold_all(db, "a backup was restored, which does not know what was sent since",
                               clock_now(), err);
    }
    if (rc == 0) {
        rc = db_commit(db, err);
    }
    db_rollback(db);
    return rc;
}

/* Who asked to be forgotten since is not remembered for a backup's sake. The key is the one
 * that the site will have. */
static int forget_again(struct workspace *workspace, struct db *db, const struct places *places,
                        const struct db_backup *note, size_t *count, struct err *err)
{
    int rc = places->key != NULL && note->token_key != NULL
                 ? workspace_take_key(workspace, note->token_key, err)
                 : workspace_read_key(workspace, err);

    return rc < 0 ? rc : erase_again(workspace, db, count, err);
}

/* What became of a backup's content on its way back. */
struct restored {
    struct db_backup note;
    struct delivery_restored held;
    size_t erased;
};

static int unpack(struct workspace *workspace, const char *file, const struct places *places,
                  struct restored *out, struct err *err)
{
    struct db *db = NULL;
    int rc = db_backup_unpack(file, places->incoming, workspace->arena, &db, &out->note, err);

    if (rc == 0) {
        rc = hold_everything(db, &out->held, err);
    }
    if (rc == 0) {
        rc = forget_again(workspace, db, places, &out->note, &out->erased, err);
    }
    db_close(db);
    return rc;
}

static void print_restored(const struct command *command, const struct places *places,
                           const struct restored *restored)
{
    const struct db_backup *note = &restored->note;
    const struct delivery_restored *held = &restored->held;
    bool one = held->mailings == 1;

    printf("Restored %s%s%s.\n", command->arguments[0],
           note->made_at != 0 ? ", made " : ", which is no backup of ours but a database",
           note->made_at != 0 ? output_when(command->arena, note->made_at) : "");
    if (file_exists(places->put_aside)) {
        printf("What was there before is in %s.\n", places->put_aside);
    }
    if (note->token_key == NULL) {
        puts("It holds no key: links in letters that were sent work if the present key is theirs.");
    }
    if (restored->erased > 0) {
        printf("%zu of its members had been erased since: that was done again (var/erasure.log).\n",
               restored->erased);
    }
    puts("The schedule is held until 'teataja schedule release'.");
    if (held->mailings == 0) {
        puts("Nothing was on its way when it was made.");
        return;
    }
    printf("%" PRId64 " %s on %s way when it was made, and %s held now; %" PRId64
           " recipient%s may have been served since.\n"
           "See them with 'teataja mailing list'; 'teataja mailing resend ID --unknown' sends to "
           "them\nagain, 'teataja mailing cancel ID' lets it be.\n",
           held->mailings, one ? "mailing was" : "mailings were", one ? "its" : "their",
           one ? "is" : "are", held->rows, held->rows == 1 ? "" : "s");
}

static int print_json(const struct restored *restored, struct err *err)
{
    struct str out;
    struct json_writer json = json_writer(&out);
    int rc;

    str_init(&out, LIMIT_TEXT);
    json_write_object(&json);
    json_write_int_at(&json, "made_at", restored->note.made_at);
    json_write_int_at(&json, "mailings_held", restored->held.mailings);
    json_write_int_at(&json, "recipients_unknown", restored->held.rows);
    json_write_int_at(&json, "erased_again", (int64_t)restored->erased);
    json_write_object_end(&json);
    rc = str_check(&out, err);
    if (rc == 0) {
        puts(out.data);
    }
    str_release(&out);
    return rc;
}

static int restore(struct command *command, struct workspace *workspace, struct err *err)
{
    struct places places = {0};
    struct restored restored = {0};
    int rc = find_places(workspace, &places, err);

    if (rc == 0) {
        rc = refuse_while_in_use(workspace, err);
    }
    if (rc == 0) {
        rc = unpack(workspace, command->arguments[0], &places, &restored, err);
    }
    if (rc == 0 && !command_confirm(command, "Replace the site's data with this backup?")) {
        unlink(places.incoming);
        return err_set(err, ERR_STOPPED, "nothing was changed");
    }
    if (rc == 0) {
        rc = put_aside(workspace, &places, err);
    }
    if (rc == 0) {
        rc = move(places.incoming, places.database, err);
    }
    if (rc == 0) {
        rc = restore_key(workspace, &places, &restored.note, err);
    }
    if (rc == 0 && command->json) {
        rc = print_json(&restored, err);
    } else if (rc == 0) {
        print_restored(command, &places, &restored);
    }
    return rc;
}

static enum exit_status restore_run(struct command *command)
{
    struct workspace workspace;
    enum exit_status status = workspace_open(command, WORKSPACE_CONFIG, false, &workspace);
    struct err err = {0};

    if (status == EXIT_DONE && restore(command, &workspace, &err) < 0) {
        status = command_fail(&err);
    }
    workspace_close(&workspace);
    return status;
}

const struct verb verb_restore = {
    .name = "restore",
    .usage = "FILE",
    .summary = "bring the site's data back from a backup; nothing is sent by itself",
    .help =
        "The backup is checked first; what is there now is put aside, not lost. What was still\n"
        "to be sent when the backup was made may have been sent since: those recipients become\n"
        "'unknown', and their mailings and the schedule are held until a person decides. Whom\n"
        "var/erasure.log names is erased again: on another machine copy that file there first.\n"
        "Refused while teataja is at work on the site.",
    .min_arguments = 1,
    .max_arguments = 1,
    .run = restore_run,
};

/* ---- migrate ---- */

static enum exit_status migrate_run(struct command *command)
{
    struct workspace workspace;
    enum exit_status status = workspace_open(command, WORKSPACE_CONFIG, false, &workspace);
    struct err err = {0};
    struct db *db = NULL;
    char *path = NULL;
    bool due = false;
    int rc = 0;

    if (status != EXIT_DONE) {
        workspace_close(&workspace);
        return status;
    }
    path = config_path(workspace.arena, &workspace.config, workspace.config.site.database);
    if (path == NULL) {
        workspace_close(&workspace);
        err_nomem(&err);
        return command_fail(&err);
    }
    rc = db_open(path, DB_OPEN_READ, &db, &err);
    if (rc == ERR_STATE) {
        due = true;
        rc = command_has(command, "dry-run") ? 0 : db_open(path, DB_OPEN_EXISTING, &db, &err);
    }
    if (rc < 0) {
        status = command_fail(&err);
    } else if (due) {
        printf(command_has(command, "dry-run") ? "%s would be brought to schema %d.\n"
                                               : "%s is at schema %d now.\n",
               path, db_schema_version());
    } else {
        printf("%s is at schema %d: there is nothing to do.\n", path, db_schema_version());
    }
    db_close(db);
    workspace_close(&workspace);
    return status;
}

static const struct option migrate_options[] = {
    {"dry-run", NULL, "only say whether there is something to do", false},
    {NULL, NULL, NULL, false},
};

const struct verb verb_migrate = {
    .name = "migrate",
    .usage = "",
    .summary = "bring the database to this program's schema",
    .help = "Every verb that writes does so when it must, in one transaction; this one does\n"
            "nothing else. Copy the database first, while teataja is stopped.",
    .options = migrate_options,
    .run = migrate_run,
};
