target_include_directories(test_compose_writer PRIVATE "${PROJECT_SOURCE_DIR}/src/compose")
