include("${CMAKE_CURRENT_SOURCE_DIR}/support/smtp_server.cmake")
target_sources(test_delivery_commit PRIVATE "${CMAKE_CURRENT_SOURCE_DIR}/support/outbox_site.c")
target_link_libraries(test_delivery_commit PRIVATE test_smtp_server)
target_include_directories(test_delivery_commit PRIVATE "${PROJECT_SOURCE_DIR}/src/delivery")
