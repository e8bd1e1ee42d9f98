/* doctor: is all that sending depends on as it should be, and what to do if not. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "doctor.h"
#include "output.h"
#include "teataja/base/json.h"
#include "teataja/base/limits.h"

static const char *const level_names[] = {
    [DOCTOR_OK] = "ok", [DOCTOR_WARNING] = "warning", [DOCTOR_BAD] = "bad"};

void doctor_tell(struct doctor *doctor, const char *area, enum doctor_level level,
                 const char *advice, const char *format, ...)
{
    struct doctor_finding *finding;
    char what[1024];
    va_list args;

    va_start(args, format);
    vsnprintf(what, sizeof(what), format, args);
    va_end(args);
    if (arena_grow(doctor->arena, &doctor->findings, &doctor->capacity, doctor->count,
                   sizeof(*doctor->findings), NULL) < 0) {
        doctor->no_memory = true;
        return;
    }
    finding = &doctor->findings[doctor->count++];
    *finding = (struct doctor_finding){
        .area = area, .level = level, .what = arena_strdup(doctor->arena, what), .advice = advice};
    doctor->no_memory |= finding->what == NULL;
    doctor->levels[level]++;
}

/* What `check` says, for nothing is delivered with a wrong configuration. */
static void tell_configuration(struct doctor *doctor)
{
    struct report *report = doctor->workspace->report;

    for (size_t i = 0; report_get(report, i) != NULL; i++) {
        const struct problem *problem = report_get(report, i);

        doctor_tell(doctor, "configuration",
                    problem->severity == REPORT_ERROR ? DOCTOR_BAD : DOCTOR_WARNING, NULL,
                    "%s:%d: %s", problem->file, (int)problem->line, problem->message);
    }
    if (report_errors(report) > 0) {
        doctor_tell(doctor, "configuration", DOCTOR_WARNING,
                    "correct the files ('teataja check' names all that is wrong), then ask again",
                    "relays, DNS, files and the database were not looked at");
    } else {
        doctor_tell(doctor, "configuration", DOCTOR_OK, NULL, "teataja.yaml can be read");
    }
}

static void print_json(const struct doctor *doctor)
{
    struct str out;
    struct json_writer json = json_writer(&out);

    str_init(&out, LIMIT_ARENA_WORK);
    json_write_object(&json);
    for (size_t i = 0; i < DOCTOR_LEVELS; i++) {
        json_write_int_at(&json, level_names[i], (int64_t)doctor->levels[i]);
    }
    json_write_key(&json, "findings");
    json_write_array(&json);
    for (size_t i = 0; i < doctor->count; i++) {
        const struct doctor_finding *finding = &doctor->findings[i];

        json_write_object(&json);
        json_write_text_at(&json, "area", finding->area);
        json_write_text_at(&json, "level", level_names[finding->level]);
        json_write_text_at(&json, "what", finding->what);
        json_write_text_at(&json, "do", finding->advice);
        json_write_object_end(&json);
    }
    json_write_array_end(&json);
    json_write_object_end(&json);
    puts(out.data);
    str_release(&out);
}

static void print_text(const struct doctor *doctor)
{
    static const enum output_tone tones[] = {
        [DOCTOR_OK] = OUTPUT_GOOD, [DOCTOR_WARNING] = OUTPUT_WARN, [DOCTOR_BAD] = OUTPUT_BAD};
    const char *area = "";

    for (size_t i = 0; i < doctor->count; i++) {
        const struct doctor_finding *finding = &doctor->findings[i];

        if (strcmp(area, finding->area) != 0) {
            area = finding->area;
            printf("%s%s%s%s\n", i > 0 ? "\n" : "", output_colour(stdout, OUTPUT_STRONG), area,
                   output_colour(stdout, OUTPUT_PLAIN));
        }
        printf("  %s%-7s%s  %s\n", output_colour(stdout, tones[finding->level]),
               level_names[finding->level], output_colour(stdout, OUTPUT_PLAIN), finding->what);
        if (finding->advice != NULL) {
            printf("           -> %s\n", finding->advice);
        }
    }
    printf("\n%zu ok, %zu %s, %zu bad\n", doctor->levels[DOCTOR_OK], doctor->levels[DOCTOR_WARNING],
           doctor->levels[DOCTOR_WARNING] == 1 ? "warning" : "warnings",
           doctor->levels[DOCTOR_BAD]);
}

static void examine(struct doctor *doctor, bool offline)
{
    tell_configuration(doctor);
    doctor_machine(doctor);
    if (report_errors(doctor->workspace->report) > 0) {
        return;
    }
    doctor_files(doctor);
    doctor_database(doctor);
    doctor_web(doctor);
    if (!offline) {
        doctor_relays(doctor);
        doctor_dns(doctor);
    }
}

static enum exit_status doctor_run(struct command *command)
{
    struct workspace workspace;
    struct doctor doctor = {.arena = command->arena, .workspace = &workspace};
    struct err err = {0};
    enum exit_status status = workspace_examine(command, WORKSPACE_CONFIG, &workspace);

    if (status == EXIT_DONE) {
        examine(&doctor, command_has(command, "offline"));
        if (doctor.no_memory) {
            err_nomem(&err);
            status = command_fail(&err);
        }
    }
    if (status == EXIT_DONE) {
        if (command->json) {
            print_json(&doctor);
        } else {
            print_text(&doctor);
        }
        status = doctor.levels[DOCTOR_BAD] > 0 ? EXIT_FAILED : EXIT_DONE;
    }
    dns_close(doctor.dns);
    workspace_close(&workspace);
    return status;
}

static const struct option doctor_options[] = {
    {"offline", NULL, "ask neither the relays nor the DNS", false},
    {NULL, NULL, NULL, false},
};

const struct verb verb_doctor = {
    .name = "doctor",
    .usage = "",
    .summary = "look at all that sending depends on, and say what to do",
    .help =
        "Relays (connection, TLS, login; nothing is sent), SPF, DKIM, DMARC, MX and PTR through\n"
        "the system's resolver, clock, disk, rights of files, the database, the address of 'web'.\n"
        "Each line is ok, a warning or bad, with what to do. Nothing is changed. Exit status 1 if\n"
        "something is bad.",
    .options = doctor_options,
    .run = doctor_run,
};
