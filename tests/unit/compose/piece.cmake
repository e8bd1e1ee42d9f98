target_include_directories(test_compose_piece PRIVATE "${PROJECT_SOURCE_DIR}/src/compose")
