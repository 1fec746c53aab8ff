<?php
// The way of the system before this one: each request connects, takes whole rows, and encodes them.

mysqli_report(MYSQLI_REPORT_OFF);
$database = mysqli_connect('127.0.0.1', $_SERVER['DB_USERNAME'], $_SERVER['DB_PASSWORD'], $_SERVER['DB_NAME'], (int) $_SERVER['DB_PORT']);
if ($database === false) {
    http_response_code(503);
    header('Content-Length: 0');
    exit;
}
$database->set_charset('utf8mb4');
$limit = (int) ($_GET['limit'] ?? 100);
$where = '';
if (isset($_GET['start'], $_GET['end'])) {
    $start = $database->real_escape_string($_GET['start']);
    $end = $database->real_escape_string($_GET['end']);
    $where = "WHERE calldate >= '$start' AND calldate < '$end'";
}
$found = $database->query("SELECT * FROM cdr $where ORDER BY calldate DESC LIMIT $limit");
if ($found === false) {
    http_response_code(503);
    header('Content-Length: 0');
    exit;
}
$body = json_encode($found->fetch_all(MYSQLI_ASSOC));
$database->close();
header('Content-Type: application/json');
header('Content-Length: ' . strlen($body));
echo $body;
