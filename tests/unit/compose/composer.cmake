target_include_directories(test_compose_composer PRIVATE "${PROJECT_SOURCE_DIR}/src/compose")
