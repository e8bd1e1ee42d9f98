include("${CMAKE_CURRENT_SOURCE_DIR}/support/smtp_server.cmake")
target_sources(test_delivery_overdue PRIVATE "${CMAKE_CURRENT_SOURCE_DIR}/support/outbox_site.c")
target_link_libraries(test_delivery_overdue PRIVATE test_smtp_server)
