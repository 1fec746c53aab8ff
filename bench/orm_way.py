"""The way that is taught: Flask with flask-smorest, SQLAlchemy's ORM and marshmallow, over a pool of connections."""

from __future__ import annotations

import os
from datetime import datetime
from typing import Any

import marshmallow as ma
from flask import Flask
from flask.views import MethodView
from flask_smorest import Api, Blueprint
from sqlalchemy import create_engine, select
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, sessionmaker


class Base(DeclarativeBase):
    pass


class Cdr(Base):
    __tablename__ = "cdr"

    # The ORM wants to tell rows apart, which the table has nothing for.
    calldate: Mapped[datetime] = mapped_column(primary_key=True)
    uniqueid: Mapped[str] = mapped_column(primary_key=True)
    sequence: Mapped[int] = mapped_column(primary_key=True)
    clid: Mapped[str]
    src: Mapped[str]
    dst: Mapped[str]
    dcontext: Mapped[str]
    channel: Mapped[str]
    dstchannel: Mapped[str]
    lastapp: Mapped[str]
    lastdata: Mapped[str]
    duration: Mapped[int]
    billsec: Mapped[int]
    disposition: Mapped[str]
    amaflags: Mapped[int]
    accountcode: Mapped[str]
    userfield: Mapped[str]
    did: Mapped[str]
    recordingfile: Mapped[str]
    cnum: Mapped[str]
    cnam: Mapped[str]
    outbound_cnum: Mapped[str]
    outbound_cnam: Mapped[str]
    dst_cnam: Mapped[str]
    linkedid: Mapped[str]
    peeraccount: Mapped[str]


KINDS = {"calldate": ma.fields.DateTime, "sequence": ma.fields.Integer, "duration": ma.fields.Integer,
         "billsec": ma.fields.Integer, "amaflags": ma.fields.Integer}  # fmt: skip
CdrSchema = ma.Schema.from_dict(
    {column.name: KINDS.get(column.name, ma.fields.String)() for column in Cdr.__table__.columns}, name="Cdr"
)
Query = ma.Schema.from_dict(
    {"limit": ma.fields.Integer(load_default=100, validate=ma.validate.Range(1, 1000))}, name="Query"
)

url = os.environ["CDR_DATABASE_URL"].replace("mysql://", "mysql+pymysql://")
Session = sessionmaker(create_engine(url, pool_size=16, pool_pre_ping=True))
blp = Blueprint("cdr", __name__)


@blp.route("/cdr")
class Records(MethodView):
    @blp.arguments(Query, location="query")  # type: ignore[untyped-decorator]
    @blp.response(200, CdrSchema(many=True))  # type: ignore[untyped-decorator]
    def get(self, query: dict[str, Any]) -> list[Cdr]:
        with Session() as session:
            return list(session.scalars(select(Cdr).order_by(Cdr.calldate.desc()).limit(query["limit"])))


application = Flask("orm")
application.config |= {"API_TITLE": "Records", "API_VERSION": "1", "OPENAPI_VERSION": "3.0.3"}
Api(application).register_blueprint(blp)
