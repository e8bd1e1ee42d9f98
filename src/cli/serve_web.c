/* The role web: the public pages. */
#include "serve.h"
#include "teataja/base/log.h"
#include "teataja/web/web.h"

static void on_listening(void *context, const char *where)
{
    (void)where;
    serve_ready(context);
}

int serve_web(struct serve_role *role, struct err *err)
{
    struct workspace *workspace = role->workspace;
    struct web_options options = {.folder = role->folder,
                                  .templates = workspace->templates,
                                  .listen = workspace->config.site.web.listen,
                                  .stop_fd = role->stop_fd,
                                  .listening = on_listening,
                                  .context = role};
    int rc = workspace_open_db(workspace, err);

    if (rc < 0) {
        return rc;
    }
    db_close(workspace->db);
    workspace->db = NULL;
    options.key = workspace->key;
    return web_run(&options, err);
}
